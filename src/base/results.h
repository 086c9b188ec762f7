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
  std::string text;
  double start_s = 0;
  double end_s = 0;
  double confidence = 0;                           ///< in [0, 1]
  std::vector<WordAlternative> alternatives = {};  ///< by falling posterior; empty unless asked for
};

/// One alternative of a segment; `cost` in nats, smaller is better.
struct Alternative {
  std::string text;
  double cost = 0;
};

/// How a word lattice is written; docs/formats.md describes each.
enum class LatticeType { kNone, kKaldiText, kKaldiBinary, kOpenFst, kSlf };

/// The word lattice of a segment as a file of its type holds it, but for the name that stands in front.
struct WrittenLattice {
  LatticeType type = LatticeType::kNone;
  double start_s = 0;  ///< of its first frame, like Word's times
  double end_s = 0;
  std::string body;
};

/// A stretch of speech between two pauses.
struct Segment {
  double start_s = 0;
  double end_s = 0;
  int channel = 0;
  double confidence = 0;  ///< mean of the word confidences
  std::string text;
  std::vector<Word> words;
  std::vector<Alternative> nbest;  ///< by rising cost, no text twice; empty unless asked for
  WrittenLattice lattice;          ///< of type kNone unless asked for
  /// Nats. How far from the best path the search looked in the frame where it looked least, and how far the
  /// word lattice reaches: less than asked for where limits bound.
  double effective_beam = 0;
  double effective_lattice_beam = 0;
};

/// Something that went wrong without ending the transcription, e.g. a damaged packet.
struct Warning {
  double time_s = 0;
  std::string what;
};

/// Where the seconds went; sums over threads where a stage has several.
struct Timing {
  double audio_s = 0;
  double decode_s = 0;
  double features_s = 0;
  double model_s = 0;
  double search_s = 0;
  double wall_s = 0;
};

/// Everything known about one audio track after transcription: what the output writers write.
struct Transcript {
  struct Source {
    std::string path;
    double duration_s = 0;
    int track = 0;
    int sample_rate_hz = 0;  ///< of the track in the file
    int channels = 0;
    std::string sha256;  ///< empty unless asked for
  } source;
  std::string model_name;
  std::string model_sha256;
  std::string graph_sha256;
  std::vector<std::pair<std::string, std::string>>
      options;  ///< name and value of every option that affects the text
  std::vector<Segment> segments;
  std::vector<Warning> warnings;
  Timing timing;
};

}  // namespace skald
