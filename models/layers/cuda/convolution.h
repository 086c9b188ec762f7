#pragma once

#include <cstdint>
#include <span>

#include "base/cuda/device_buffer.h"
#include "base/status.h"
#include "kernels/nn/element_type.h"
#include "models/layers/cuda/math_handles.h"

namespace skald {

/// Convolution in time, by cuDNN: output row t = sum over taps k of input row stride * t + k
/// - padding times weights[k]; rows outside the input count as zeros. Each of `groups` groups of outputs sees
/// its group of inputs only. No bias. The algorithm is chosen once, deterministic ones only; f32 is true f32,
/// not TF32. Move-only.
class CudaConvolution {
 public:
  struct Options {
    ElementType type = ElementType::kF32;  ///< of input, weights and output; sums are f32
    int inputs = 0;                        ///< channels
    int outputs = 0;
    int taps = 3;
    int padding = 1;
    int stride = 1;
    int groups = 1;
    int64_t max_rows = 0;
  };
  /// weights [outputs, taps, inputs / groups] on the host. Waits for the upload.
  static StatusOr<CudaConvolution> Create(DeviceContext context, const MathContext& math,
                                          std::span<const float> weights, const Options& options);

  /// input [rows, inputs], output [OutputRows(rows), outputs] on the device. Queues one convolution.
  Status Run(DeviceContext context, const MathContext& math, const void* input, int64_t rows, void* output);

  int64_t OutputRows(int64_t rows) const {
    return (rows + 2 * options_.padding - options_.taps) / options_.stride + 1;
  }

 private:
  CudaConvolution() = default;
  Status Describe(int64_t rows);
  Options options_;
  DeviceBuffer<std::byte> weights_;
  MathHandle<cudnnFilterDescriptor_t, cudnnDestroyFilterDescriptor> filter_;
  MathHandle<cudnnConvolutionDescriptor_t, cudnnDestroyConvolutionDescriptor> convolution_;
  MathHandle<cudnnTensorDescriptor_t, cudnnDestroyTensorDescriptor> input_, output_;
  cudnnConvolutionFwdAlgo_t algorithm_ = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM;
};

}  // namespace skald
