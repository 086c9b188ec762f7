#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "scoring/text_normalizer.h"
#include "scoring/wer.h"

namespace skald {

/// The segments of one recording with their n-best lists: texts[segment][alternative].
struct AlternativeTexts {
  std::string id;
  std::vector<std::vector<std::string>> texts;
};

struct OracleReport {
  int64_t reference_words = 0;
  int64_t errors = 0;       ///< with the best alternative of every segment
  double alternatives = 0;  ///< mean number for each segment
  double wer() const;
};

/// What the best choice of one alternative for each segment would have: the fewest errors (substitutions,
/// insertions, deletions each counted as one) over all choices. References without a list count as deleted.
/// kInvalidArgument where an id comes twice.
StatusOr<OracleReport> ScoreOracle(const std::vector<Utterance>& references,
                                   const std::vector<AlternativeTexts>& hypotheses,
                                   const NormalizerOptions& options = {});

}  // namespace skald
