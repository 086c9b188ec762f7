#include <algorithm>
#include <cmath>
#include <string>

#include "base/cuda/cuda_status.h"
#include "kernels/search/score_fusion.h"

namespace skald {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kMostBlocks = 8192;

/// The models that count, by value.
struct FusedModels {
  const float* data[kMaxFusedModels];
  int64_t stride[kMaxFusedModels];
  float weight[kMaxFusedModels];
  int count;
  float sign;  // -1 where the data are negative log-probs; a change of sign is exact

  __device__ float LogProb(int model, int64_t row, int64_t unit) const {
    return sign * data[model][row * stride[model] + unit];
  }
};

template <ScoreFusionRule kRule>
__global__ void __launch_bounds__(kThreads)
    ScoreFusionKernel(const __grid_constant__ FusedModels models, float acoustic_scale, float blank_penalty,
                      float* nll, int64_t nll_stride, float* blank_nll, int64_t rows, int64_t units) {
  const int64_t total = rows * units, step = static_cast<int64_t>(gridDim.x) * kThreads;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < total; i += step) {
    const int64_t row = i / units, unit = i - row * units;
    float fused = 0;
    if constexpr (kRule == ScoreFusionRule::kLogLinear) {
      for (int k = 0; k < models.count; ++k) {
        const float term = models.weight[k] * models.LogProb(k, row, unit);
        fused = k == 0 ? term : fused + term;
      }
    } else {
      float greatest = -INFINITY;
      for (int k = 0; k < models.count; ++k) {
        greatest = fmaxf(greatest, models.LogProb(k, row, unit));
      }
      float sum = 0;
      for (int k = 0; k < models.count; ++k) {
        sum += models.weight[k] * expf(models.LogProb(k, row, unit) - greatest);
      }
      fused = greatest == -INFINITY ? greatest : greatest + logf(sum);
    }
    if (unit == 0 && blank_nll != nullptr) blank_nll[row] = -fused;
    const float value = unit == 0 ? -fused + blank_penalty : -fused;
    nll[row * nll_stride + unit] = value * acoustic_scale;
  }
}

}  // namespace

Status FuseScores(DeviceContext context, const ScoreFusion& fusion, MatrixView<float> nll) {
  if (fusion.models < 1 || fusion.models > kMaxFusedModels) {
    return Status::InvalidArgument("1 to " + std::to_string(kMaxFusedModels) + " models can be fused, not " +
                                   std::to_string(fusion.models));
  }
  FusedModels models{};
  models.sign = fusion.negated ? -1.0f : 1.0f;
  for (int k = 0; k < fusion.models; ++k) {
    const ScoreView& view = fusion.log_probs[k];
    const std::string name = "model " + std::to_string(k);
    if (!(fusion.weights[k] >= 0) || !std::isfinite(fusion.weights[k])) {
      return Status::InvalidArgument(name + " needs a weight of at least 0");
    }
    if (view.rows != nll.rows || view.columns != nll.columns) {
      return Status::InvalidArgument(name + " has scores [" + std::to_string(view.rows) + ", " +
                                     std::to_string(view.columns) + "], the result is [" +
                                     std::to_string(nll.rows) + ", " + std::to_string(nll.columns) + "]");
    }
    if (fusion.weights[k] == 0) continue;
    models.data[models.count] = view.data;
    models.stride[models.count] = view.stride;
    models.weight[models.count++] = fusion.weights[k];
  }
  if (models.count == 0) return Status::InvalidArgument("every model has weight 0");
  const int64_t total = nll.rows * nll.columns;
  if (total == 0) return Status::Ok();
  const auto blocks = static_cast<unsigned>(std::min((total + kThreads - 1) / kThreads, kMostBlocks));
  auto* const kernel = fusion.rule == ScoreFusionRule::kLogLinear
                           ? &ScoreFusionKernel<ScoreFusionRule::kLogLinear>
                           : &ScoreFusionKernel<ScoreFusionRule::kArithmetic>;
  kernel<<<blocks, kThreads, 0, context.stream>>>(models, fusion.acoustic_scale, fusion.blank_penalty,
                                                  nll.data, nll.stride, fusion.blank_nll, nll.rows,
                                                  nll.columns);
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("ScoreFusionKernel");
  return Status::Ok();
}

}  // namespace skald
