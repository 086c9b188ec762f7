#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "scoring/confidence_score.h"
#include "scoring/text_normalizer.h"
#include "scoring/word_alignment.h"

namespace skald {

/// A word of a hypothesis with its confidence.
struct SureWord {
  std::string text;
  double confidence = 0;
};

/// A reference or a hypothesis: something said, by its id. Hypotheses need no speaker.
struct Utterance {
  std::string id;
  std::string speaker;
  std::string text;
  std::vector<SureWord> words = {};  ///< those of `text`; empty where confidences are not known
};

/// Counts of aligned words. Sums of counts are counts.
struct ErrorCounts {
  int64_t correct = 0;
  int64_t substitutions = 0;
  int64_t insertions = 0;
  int64_t deletions = 0;

  int64_t reference_words() const { return correct + substitutions + deletions; }
  int64_t errors() const { return substitutions + insertions + deletions; }
  /// Errors per reference word; may exceed 1. Without reference words: 0 where there are no errors, else 1.
  double wer() const;
  ErrorCounts& operator+=(const ErrorCounts& other);
  bool operator==(const ErrorCounts&) const = default;
};

struct UtteranceScore {
  std::string id;
  std::string speaker;
  ErrorCounts counts;
  bool hypothesis_missing = false;
};

/// A pair of words that stood in each other's place; an empty side means an insertion or a deletion.
struct Confusion {
  std::string reference;
  std::string hypothesis;
  int64_t count = 0;
};

/// An interval that covers the true value with the confidence asked for.
struct Interval {
  double low = 0;
  double high = 0;
};

struct ScoringOptions {
  NormalizerOptions normalizer;
  AlignmentCosts costs;
  /// A reference that has no hypothesis counts as deleted, all of it. False: it is an error instead.
  bool allow_missing = true;
  /// A hypothesis that has no reference is ignored and named. False: it is an error instead.
  bool allow_unknown = true;
  /// More: steadier ends of the interval, more time (1000 over 3000 utterances take some 10 ms). 0: no
  /// interval.
  int bootstrap_samples = 1000;
  double confidence = 0.95;
  uint64_t bootstrap_seed = 1;

  Status Validate() const;
};

struct WerReport {
  std::vector<UtteranceScore> utterances;       ///< in the order of the references
  std::map<std::string, ErrorCounts> speakers;  ///< by name; references without a speaker are under ""
  ErrorCounts total;
  int64_t sentences_with_errors = 0;
  std::vector<std::string> missing;                ///< ids of references without a hypothesis
  std::vector<std::string> unknown;                ///< ids of hypotheses without a reference
  std::vector<Confusion> confusions;               ///< most frequent first, then by words
  std::vector<ConfidenceObservation> confidences;  ///< of the recognised words that have some
  Interval wer_interval;                           ///< equal ends where it was not asked for

  /// Share of the utterances that have an error; 0 where there are none.
  double sentence_error_rate() const;
};

/// Scores hypotheses against references by id. The counts equal those of sclite with default options (given
/// the same words). kInvalidArgument where an id comes twice, options are out of range, or ids do not match
/// and that was not allowed. Deterministic: the bootstrap uses its own generator, so the interval is the same
/// everywhere.
StatusOr<WerReport> ScoreWer(const std::vector<Utterance>& references,
                             const std::vector<Utterance>& hypotheses, const ScoringOptions& options = {});

/// The report as a text of a few lines; with `top_confusions` rows of the commonest errors.
std::string FormatWerReport(const WerReport& report, const ScoringOptions& options, int top_confusions = 10);

}  // namespace skald
