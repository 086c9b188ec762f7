#pragma once

#include <string>
#include <vector>

namespace skald {

/// How scores of several models for the same frame and unit become one.
enum class FusionRule {
  kArithmetic,  ///< -log of the weighted mean of the probabilities: each model may propose, so that the spike
                ///< of one CTC model survives a neighbour's that comes a frame later
  kLogLinear,   ///< weighted mean of the negative log-probs: each model may veto
};

/// A bundle whose scores are fused with those of the model.
struct AlsoModel {
  std::string folder;  ///< of the bundle
  double weight = 1;   ///< 0 or more, where the model itself has 1
};

/// Which models are fused with the model, and how.
struct FusionOptions {
  std::vector<AlsoModel> models;              ///< none: nothing is fused
  FusionRule rule = FusionRule::kArithmetic;  ///< how scores are fused
};

}  // namespace skald
