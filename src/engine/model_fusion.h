#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/fused_scorer.h"

namespace skald {

class Bundle;

/// A bundle whose scores are fused with those of the model.
struct AlsoModel {
  std::string folder;
  double weight = 1;  ///< 0 or more, where the model itself has 1
};

struct FusionOptions {
  std::vector<AlsoModel> models;  ///< none: nothing is fused
  FusionRule rule = FusionRule::kArithmetic;
};

/// Scorers of `bundle` together with the models of `fusion`, as many as MakeCpuScorers makes, or one on a
/// CUDA device where `device` is not negative. Scores come to the host. kInvalidArgument, naming the folder,
/// for bundles that lack the head, score other units or have other frames.
StatusOr<std::vector<std::unique_ptr<Scorer>>> MakeFusedScorers(const Bundle& bundle,
                                                                const FusionOptions& fusion,
                                                                const ScorerOptions& options, int device,
                                                                int threads);

}  // namespace skald
