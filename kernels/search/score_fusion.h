#pragma once

#include <cstdint>

#include "base/cuda/device_context.h"
#include "base/status.h"
#include "base/view.h"

namespace skald {

/// Most models that are fused in one pass.
inline constexpr int kMaxFusedModels = 8;

enum class ScoreFusionRule {
  kLogLinear,   ///< sum of w_k log p_k: each model may veto; not normalised over units, which no path notices
  kArithmetic,  ///< log of sum of w_k p_k: each model may propose
};

/// From log-probs of one or more models on one frame grid to what the search adds:
///   nll[f, u] = acoustic_scale * (-fused[f, u] + (u == 0 ? blank_penalty : 0))
/// For one model of weight 1 these are the bits of ScoreScaling on the host (engine/score_rows.h).
struct ScoreFusion {
  ScoreFusionRule rule = ScoreFusionRule::kLogLinear;
  int models = 1;  ///< 1 .. kMaxFusedModels
  ScoreView
      log_probs[kMaxFusedModels];  ///< [device] [frames, units] each, natural logarithms, -infinity allowed
  bool negated = false;            ///< log_probs hold negative log-probs, as acoustic models give them
  float weights[kMaxFusedModels] = {1.0f};  ///< at least 0; a model of weight 0 is not read
  float acoustic_scale = 1.0f;              ///< larger: the models count more against the graph
  float blank_penalty = 0.0f;               ///< nats; larger: fewer blanks, more insertions
  /// [device] [frames] gets -fused[f, 0], neither scaled nor penalised: what an endpointer reads. May be
  /// null.
  float* blank_nll = nullptr;
};

/// Queues one pass over all models, one launch; none where there are no frames. `nll` [device] [frames,
/// units] may be log_probs[0]. Sums run over models in their order, in f32; a row depends on its own frame
/// only. Fails with kInvalidArgument naming the model whose shape or weight is wrong.
Status FuseScores(DeviceContext context, const ScoreFusion& fusion, MatrixView<float> nll);

}  // namespace skald
