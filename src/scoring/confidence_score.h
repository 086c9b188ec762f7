#pragma once

#include <optional>
#include <span>

#include "base/confidence_map.h"

namespace skald {

/// A recognised word: how sure the recogniser was, and whether the word is right.
struct ConfidenceObservation {
  double confidence = 0;
  bool is_correct = false;
};

/// NIST's normalized cross entropy: 1 for confidences that know everything, 0 for the share of right words as
/// everybody's confidence, negative for worse (Siu, Gish, Richardson, "Improved estimation, evaluation and
/// applications of confidence measures for speech recognition", Eurospeech 1997). Confidences of 0 and 1
/// count as 1e-7 and 1 - 1e-7. Absent where all words are right, all wrong, or there are none.
std::optional<double> NormalizedCrossEntropy(std::span<const ConfidenceObservation> words);

struct ConfidenceFitOptions {
  /// Points at most, the ends included. More: follows the words more closely, and their noise.
  int points = 8;
  /// Rounds of the fit; each takes a time in proportion to words times points.
  int iterations = 2000;
  /// Calibrated confidences stay this far from 0 and 1: a few hundred words cannot tell certainty.
  double least_doubt = 0.005;
};

/// The rising map with the greatest normalized cross entropy among those with its points at quantiles of the
/// confidences of `words`. Such a map is a mixture of ramps, and the likelihood of the words is that of a
/// mixture whose weights are sought: expectation maximisation climbs to the one maximum. kInvalidArgument
/// where there are no right or no wrong words, or options are out of range. Deterministic.
StatusOr<ConfidenceMap> FitConfidenceMap(std::span<const ConfidenceObservation> words,
                                         const ConfidenceFitOptions& options = {});

}  // namespace skald
