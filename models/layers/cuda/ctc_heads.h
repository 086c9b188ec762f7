#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/cuda/device_buffer.h"
#include "base/status.h"
#include "base/view.h"
#include "models/layers/cuda/device_weights.h"
#include "models/layers/cuda/linear.h"
#include "models/layers/weights.h"

namespace skald {

/// Linear CTC heads in f32 on a CUDA device: -log softmax(linear(norm(x))). Create allocates. Move-only.
class CudaCtcHeads {
 public:
  static StatusOr<CudaCtcHeads> Create(DeviceContext context, const MathContext& math,
                                       std::span<const AffineWeights> weights, int width, int64_t max_rows);

  /// x [rows, width] f32; `norm` null: none. nll_per_head as CudaAcousticModel::Run.
  Status Run(DeviceContext context, const MathContext& math, const float* x, int64_t rows,
             const DeviceNorm* norm, double epsilon, std::span<const MatrixView<float>> nll_per_head);

 private:
  int width_ = 0;
  std::vector<CudaLinear> heads_;
  DeviceBuffer<float> norm_;    ///< [rows, width]
  DeviceBuffer<float> logits_;  ///< [rows, most units]
};

}  // namespace skald
