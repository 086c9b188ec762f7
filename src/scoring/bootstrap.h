#pragma once

#include <span>
#include <vector>

#include "scoring/wer.h"

namespace skald {

/// Percentile interval of the word error rate: `samples` times, draw as many utterances as there are, with
/// replacement, and take the rate (Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR
/// performance evaluation", ICASSP 2004). Utterances are taken as independent; where speakers matter, the
/// true interval is wider.
Interval BootstrapWer(std::span<const UtteranceScore> utterances, int samples, double confidence,
                      uint64_t seed);

/// How two systems compare on the same utterances.
struct Comparison {
  double wer_difference = 0;              ///< of B less of A: negative where B is better
  Interval difference_interval;           ///< paired bootstrap over utterances
  double probability_of_improvement = 0;  ///< share of the bootstrap samples where B has fewer errors than A
  /// Two-sided probability of a difference this large if the systems were equal: matched pairs of the error
  /// counts of each utterance, normal approximation (Gillick and Cox, ICASSP 1989). Trust it from about 50
  /// utterances on.
  double p_value = 1;
  int64_t better = 0, worse = 0, equal = 0;  ///< utterances where B has fewer, more, as many errors
};

/// Compares the reports of systems A and B; kInvalidArgument where they are not about the same references.
StatusOr<Comparison> CompareSystems(const WerReport& a, const WerReport& b,
                                    const ScoringOptions& options = {});

}  // namespace skald
