#pragma once

#include <cstdint>
#include <span>

#include "base/cuda/device_buffer.h"
#include "base/status.h"
#include "kernels/nn/element_type.h"
#include "models/layers/cuda/math_handles.h"

namespace skald {

/// output = input * weights^T [+ bias] [+ output], one cuBLASLt product with the bias as its epilogue. The
/// algorithm is chosen once for the largest number of rows and used for all, without split sums, so a row's
/// bits do not depend on how many rows there are. f32 is true f32, not TF32. Move-only.
class CudaLinear {
 public:
  struct Options {
    ElementType input_type = ElementType::kF32;   ///< of input and weights
    ElementType output_type = ElementType::kF32;  ///< input_type or f32
    bool use_bias = true;                         ///< false where a later kernel adds it
    bool accumulate = false;                      ///< add to the old output
    int64_t max_rows = 0;
  };
  /// weights [outputs, inputs], bias [outputs], on the host. Waits for the upload.
  static StatusOr<CudaLinear> Create(DeviceContext context, const MathContext& math,
                                     std::span<const float> weights, std::span<const float> bias,
                                     const Options& options);

  /// input [rows, inputs], output [rows, outputs], contiguous, on the device; rows at most max_rows. Queues
  /// one product, nothing for 0 rows.
  Status Run(DeviceContext context, const MathContext& math, const void* input, int64_t rows,
             void* output) const;

  int64_t outputs() const { return outputs_; }
  /// [outputs] f32 on the device, also where the product does not add it.
  const float* bias() const { return reinterpret_cast<const float*>(bias_.data()); }

 private:
  CudaLinear() = default;
  Options options_;
  int64_t inputs_ = 0;
  int64_t outputs_ = 0;
  DeviceBuffer<std::byte> weights_;
  DeviceBuffer<std::byte> bias_;           ///< f32
  DeviceBuffer<std::byte> epilogue_bias_;  ///< of the output's type where that is not f32
  MathHandle<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy> product_;
  cublasLtMatmulAlgo_t algorithm_ = {};
};

}  // namespace skald
