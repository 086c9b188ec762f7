#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace skald {

/// What may have been said in place of a word.
struct WordAlternative {
  std::string text;      ///< empty: nothing was said here
  double posterior = 0;  ///< its share of probability among all that may have been said here; uncalibrated
};

/// A recognised word. Times in seconds from the start of the media file as a player shows it.
struct Word {
  std::string text;                                ///< as the model spells it
  double start_s = 0;                              ///< seconds
  double end_s = 0;                                ///< seconds
  double confidence = 0;                           ///< in [0, 1]
  std::vector<WordAlternative> alternatives = {};  ///< by falling posterior; empty unless asked for
};

/// One alternative of a segment; `cost` in nats, smaller is better.
struct Alternative {
  std::string text;  ///< the words, with spaces between them
  double cost = 0;   ///< nats
};

/// How a word lattice is written; docs/formats.md describes each.
enum class LatticeType { kNone, kKaldiText, kKaldiBinary, kOpenFst, kSlf };

/// The word lattice of a segment as a file of its type holds it, but for the name that stands in front.
struct WrittenLattice {
  LatticeType type = LatticeType::kNone;  ///< kNone: there is no lattice
  double start_s = 0;                     ///< of its first frame, like Word's times
  double end_s = 0;                       ///< of its last frame
  std::string body;                       ///< docs/formats.md has the types
};

/// A stretch of speech between two pauses.
struct Segment {
  double start_s = 0;              ///< seconds
  double end_s = 0;                ///< seconds
  int channel = 0;                 ///< of the track, from 0; 0 where channels are mixed
  double confidence = 0;           ///< mean of the word confidences
  std::string text;                ///< the words, with spaces between them
  std::vector<Word> words;         ///< in time order
  std::vector<Alternative> nbest;  ///< by rising cost, no text twice; empty unless asked for
  WrittenLattice lattice;          ///< of type kNone unless asked for
  /// Nats. How far from the best path the search looked in the frame where it looked least, and how far the
  /// word lattice reaches: less than asked for where limits bound.
  double effective_beam = 0;
  double effective_lattice_beam = 0;  ///< see effective_beam
};

/// Something that went wrong without ending the transcription, e.g. a damaged packet.
struct Warning {
  double time_s = 0;  ///< where in the media
  std::string what;   ///< for people to read
};

/// A stretch that was not transcribed, because nobody speaks there as far as could be told. Times like
/// Word's.
struct SkippedSpan {
  int channel = 0;     ///< from 0
  double start_s = 0;  ///< first sound that was left out
  double end_s = 0;    ///< first sound that was not
};

/// Where the seconds went; sums over threads where a stage has several.
struct Timing {
  double audio_s = 0;     ///< audio that was transcribed
  double decode_s = 0;    ///< reading media
  double features_s = 0;  ///< acoustic features
  double model_s = 0;     ///< the acoustic model
  double search_s = 0;    ///< searching and reading lattices
  double wall_s = 0;      ///< from the first to the last, by the clock
  double vad_s = 0;       ///< finding speech; 0 where it was not looked for
};

/// Everything known about one audio track after transcription: what the output writers write.
struct Transcript {
  struct Source {
    std::string path;        ///< as it was given
    double duration_s = 0;   ///< of the track
    int track = 0;           ///< among the audio tracks of the file, from 0
    int sample_rate_hz = 0;  ///< of the track in the file
    int channels = 0;        ///< of the track in the file
    std::string sha256;      ///< empty unless asked for
  } source;                  ///< the track that was transcribed
  std::string model_name;    ///< as its bundle has it
  std::string model_sha256;  ///< of its weights
  std::string graph_sha256;  ///< of the decoding graph
  std::vector<std::pair<std::string, std::string>>
      options;                       ///< name and value of every option that affects the text
  std::vector<Segment> segments;     ///< in time order, channel by channel
  std::vector<Warning> warnings;     ///< about the media, the limits of the search
  std::vector<SkippedSpan> skipped;  ///< what VadOptions left out, channel by channel
  Timing timing;                     ///< the only part that differs from run to run
};

}  // namespace skald

/// @struct skald::Transcript::Source
/// Where the audio came from.
