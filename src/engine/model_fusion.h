#pragma once

#include <memory>
#include <vector>

#include "base/status.h"
#include "engine/fusion_options.h"
#include "engine/scorer.h"

namespace skald {

class Bundle;

/// Scorers of `bundle` together with the models of `fusion`, as many as MakeCpuScorers makes, or one on a
/// CUDA device where `device` is not negative. Scores come to the host. kInvalidArgument, naming the folder,
/// for bundles that lack the head, score other units or have other frames.
StatusOr<std::vector<std::unique_ptr<Scorer>>> MakeFusedScorers(const Bundle& bundle,
                                                                const FusionOptions& fusion,
                                                                const ScorerOptions& options, int device,
                                                                int threads);

}  // namespace skald
