#include "models/layers/cuda/ctc_heads.h"

#include <algorithm>
#include <utility>

#include "kernels/nn/row_norms.h"

namespace skald {

StatusOr<CudaCtcHeads> CudaCtcHeads::Create(DeviceContext context, const MathContext& math,
                                            std::span<const AffineWeights> weights, int width,
                                            int64_t max_rows) {
  CudaCtcHeads heads;
  heads.width_ = width;
  int64_t units = 0;
  for (const AffineWeights& head : weights) {
    SKALD_ASSIGN_OR_RETURN(CudaLinear linear,
                           CudaLinear::Create(context, math, head.weight, head.bias, {.max_rows = max_rows}));
    units = std::max(units, linear.outputs());
    heads.heads_.push_back(std::move(linear));
  }
  const auto rows = static_cast<size_t>(max_rows);
  SKALD_ASSIGN_OR_RETURN(heads.norm_,
                         DeviceBuffer<float>::Create(rows * static_cast<size_t>(width), "normalised rows"));
  SKALD_ASSIGN_OR_RETURN(heads.logits_,
                         DeviceBuffer<float>::Create(rows * static_cast<size_t>(units), "logits"));
  return heads;
}

Status CudaCtcHeads::Run(DeviceContext context, const MathContext& math, const float* x, int64_t rows,
                         const DeviceNorm* norm, double epsilon,
                         std::span<const MatrixView<float>> nll_per_head) {
  if (norm != nullptr) {
    SKALD_RETURN_IF_ERROR(LaunchLayerNorm(context, x, rows, width_, norm->gain(), norm->bias(),
                                          static_cast<float>(epsilon), ElementType::kF32, norm_.data()));
    x = norm_.data();
  }
  for (size_t head = 0; head < heads_.size(); ++head) {
    SKALD_RETURN_IF_ERROR(heads_[head].Run(context, math, x, rows, logits_.data()));
    SKALD_RETURN_IF_ERROR(LaunchNegativeLogSoftmax(context, logits_.data(), nll_per_head[head]));
  }
  return Status::Ok();
}

}  // namespace skald
