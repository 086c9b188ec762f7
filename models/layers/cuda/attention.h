#pragma once

#include <cstdint>
#include <memory>

#include "base/status.h"
#include "kernels/nn/element_type.h"
#include "models/layers/cuda/math_handles.h"

namespace skald {

/// Full self-attention over packed windows in f16 or bf16, heads of 64 columns, by cuDNN's fused attention
/// (graph API, through cudnn-frontend) with ragged offsets: no padding in memory, and lengths mask the rest.
/// One graph, made for the largest batch, serves all: the kernel is the same whatever the batch. Move-only.
class CudaRaggedAttention {
 public:
  struct Options {
    ElementType type = ElementType::kF16;  ///< not f32: kernels/nn/ragged_attention.h has that
    int heads = 0;
    int max_windows = 0;
    int64_t max_frames = 0;  ///< of a window
  };
  static StatusOr<CudaRaggedAttention> Create(const MathContext& math, const Options& options);
  CudaRaggedAttention(CudaRaggedAttention&&) noexcept;
  CudaRaggedAttention& operator=(CudaRaggedAttention&&) noexcept;
  ~CudaRaggedAttention();

  /// What Run reads about a batch; device memory. Windows after the last have length 0 and the offset of the
  /// end.
  struct Batch {
    int32_t* frames = nullptr;                  ///< [max_windows]
    int32_t* query_key_value_offset = nullptr;  ///< [max_windows + 1] elements: first row * 3 * heads * 64
    int32_t* output_offset = nullptr;           ///< [max_windows + 1] elements: first row * heads * 64
  };
  /// query_key_value [rows, 3 * heads * 64] (queries already scaled), output [rows, heads * 64], on the
  /// device.
  Status Run(DeviceContext context, const MathContext& math, void* query_key_value, const Batch& batch,
             void* output) const;

 private:
  struct Graph;
  explicit CudaRaggedAttention(std::unique_ptr<Graph> graph);
  std::unique_ptr<Graph> graph_;
};

}  // namespace skald
