#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/cuda/device_buffer.h"
#include "base/status.h"
#include "kernels/nn/element_type.h"
#include "models/layers/cuda/attention.h"
#include "models/layers/cuda/attention_table.h"
#include "models/layers/cuda/device_weights.h"
#include "models/layers/cuda/linear.h"
#include "models/layers/cuda/math_handles.h"
#include "models/layers/cuda/staged_table.h"
#include "models/layers/weights.h"

namespace skald {

/// Layers of a transformer over packed windows on a CUDA device, as CpuTransformer. Activations are of one
/// type, the residual stream, sums, norms and softmax f32. Create allocates everything for the limits.
/// Move-only.
class CudaTransformer {
 public:
  struct Options {
    ElementType type = ElementType::kF32;
    int width = 0;
    int attention_heads = 0;
    int feed_forward_width = 0;
    bool norm_first = true;
    double layer_norm_epsilon = 1e-5;
    int64_t max_rows = 0;
    int max_windows = 0;
    int64_t max_window_frames = 0;
  };
  static StatusOr<CudaTransformer> Create(const MathContext& math, const Options& options);

  /// Waits for the upload.
  Status AddLayer(DeviceContext context, const MathContext& math, const TransformerLayerWeights& weights);
  int layers() const { return static_cast<int>(layers_.size()); }

  /// One layer on x [rows, width] f32 in place; `windows` as filled for the batch and uploaded by `table`.
  Status RunLayer(DeviceContext context, const MathContext& math, int layer, const AttentionTable& windows,
                  const StagedTable& table, float* x);

 private:
  struct Layer {
    DeviceNorm attention_norm, feed_forward_norm;
    CudaLinear query_key_value, attention_output, feed_forward_1, feed_forward_2;
  };
  explicit CudaTransformer(const Options& options) : options_(options) {}
  Status Attend(DeviceContext context, const MathContext& math, const AttentionTable& windows,
                const StagedTable& table);
  /// norm(x) of the activations' type to norm_; x itself where the norms come last.
  Status InputOf(DeviceContext context, const DeviceNorm& norm, const float* x, int64_t rows);
  /// x = norm(x) where the norms come last.
  Status Finish(DeviceContext context, const DeviceNorm& norm, float* x, int64_t rows);

  Options options_;
  std::vector<Layer> layers_;
  std::optional<CudaRaggedAttention> attention_;  ///< f16 and bf16 with heads of 64 columns
  DeviceBuffer<std::byte> norm_;                  ///< [rows, width]
  DeviceBuffer<std::byte> joined_;                ///< [rows, 3 * width]: queries, keys, values
  DeviceBuffer<std::byte> attended_;              ///< [rows, width]
  DeviceBuffer<std::byte> hidden_;                ///< [rows, feed_forward_width]
};

}  // namespace skald
