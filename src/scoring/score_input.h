#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "scoring/transcript_formats.h"
#include "scoring/wer.h"

namespace skald {

/// References and hypotheses, ready for ScoreWer.
struct ScoreInput {
  std::vector<Utterance> references;
  std::vector<Utterance> hypotheses;
};

struct ScoreInputOptions {
  std::string reference_path;
  std::vector<std::string> hypothesis_paths;  ///< at least one; several are read one after the other
  /// Formats; guessed from the paths where absent.
  std::optional<TranscriptFormat> reference_format;
  std::optional<TranscriptFormat> hypothesis_format;
  /// "ID SPEAKER" lines for references in Kaldi text; empty: no speakers.
  std::string utt2spk_path;
};

/// Reads and pairs. Against an STM, words with times (CTM or JSON) are dealt out to its segments
/// (AssignWords); against anything else, hypotheses are matched by id, where the words of a CTM file make one
/// utterance whose id is the file. Ids that do not match are left for ScoreWer to report. Fails as the
/// readers do, and with kInvalidArgument where formats cannot be combined or a hypothesis is given twice.
StatusOr<ScoreInput> ReadScoreInput(const ScoreInputOptions& options);

/// Deals words out to the segments of an STM as sclite does: in order of time, a word belongs to the first
/// segment of its file and channel that ends at or after the word's middle, and to the last one after that.
/// Words in ignored segments are dropped, as are words of files or channels that the STM does not name; the
/// files are reported as hypotheses without a reference. Channels "1" and "A", "2" and "B", ... are the same.
ScoreInput AssignWords(const std::vector<StmSegment>& segments, std::vector<TimedWord> words);

}  // namespace skald
