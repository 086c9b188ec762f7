#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/results.h"
#include "base/status.h"
#include "scoring/nbest_oracle.h"
#include "scoring/wer.h"

namespace skald {

/// What references and hypotheses can be read from; docs/formats.md describes each.
enum class TranscriptFormat {
  kKaldiText,  ///< "ID WORDS" lines
  kTrn,        ///< NIST: "WORDS (ID)" lines
  kStm,        ///< NIST: segments with times; references only
  kCtm,        ///< NIST: words with times
  kJson,       ///< Skald's transcript, or a folder of them; the id is the media file's name without extension
};

/// "text", "trn", "stm", "ctm" or "json".
StatusOr<TranscriptFormat> ParseTranscriptFormat(std::string_view name);
/// By extension; folders are JSON transcripts, what is unknown is Kaldi text.
TranscriptFormat GuessTranscriptFormat(const std::string& path);

/// Reads a Kaldi text file; an id without words is an utterance of no words. Where `utt2spk_path` is not
/// empty, it gives the speaker of every id ("ID SPEAKER" lines). These readers fail with kCorrupt, file and
/// line where a line is broken or an id comes twice, and with the reasons of ReadFile. Lines may end with CR
/// LF; empty lines are skipped.
StatusOr<std::vector<Utterance>> ReadKaldiText(const std::string& path, const std::string& utt2spk_path = "");

/// Reads a trn file. The speaker is the part of the id before the first '-' or '_', as sclite's id type
/// "spu_id". Lines that start with ";;" are comments.
StatusOr<std::vector<Utterance>> ReadTrn(const std::string& path);

/// A word with its place in the audio.
struct TimedWord {
  std::string file;
  std::string channel;
  double start_s = 0;
  double duration_s = 0;
  std::string text;
  std::optional<double> confidence = {};
};

/// Reads a CTM file: "file channel start duration word [confidence ...]". kUnsupported for alternatives
/// (<ALT_BEGIN>).
StatusOr<std::vector<TimedWord>> ReadCtm(const std::string& path);

/// Reads a JSON transcript as the json output has it. Times and confidences that a word lacks are NaN, other
/// members that lack keep their defaults; `graph_sha256`, `options` and `timing` are not read. kCorrupt names
/// the file and what is wrong.
StatusOr<Transcript> ReadJsonTranscript(const std::string& path);

/// Reads a JSON transcript, or all *.json of a folder (not of folders in it), in order of name. `file` is the
/// stem of the media file's path; `channel` "1" for index 0 and so on.
StatusOr<std::vector<TimedWord>> ReadJsonWords(const std::string& path);
/// The same as one utterance for each transcript: the texts of its segments joined.
StatusOr<std::vector<Utterance>> ReadJsonTexts(const std::string& path);

/// N-best lists of the same transcripts; a segment without one has its text as its only alternative.
StatusOr<std::vector<AlternativeTexts>> ReadJsonAlternatives(const std::string& path);

/// One line of an STM reference.
struct StmSegment {
  std::string file;
  std::string channel;
  std::string speaker;
  double start_s = 0;
  double end_s = 0;
  std::string text;
  bool ignored = false;  ///< IGNORE_TIME_SEGMENT_IN_SCORING: what is said here counts for nothing
};

/// Reads an STM file: "file channel speaker start end [<labels>] WORDS". kUnsupported for alternatives ("{ A
/// / B }"), kCorrupt where segments of a channel overlap.
StatusOr<std::vector<StmSegment>> ReadStm(const std::string& path);

}  // namespace skald
