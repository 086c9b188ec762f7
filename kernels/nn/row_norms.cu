#include "kernels/nn/element.cuh"
#include "kernels/nn/row_norms.h"

namespace skald {
namespace {

constexpr int kWarps = 4;  // rows of a block, one for each warp

unsigned Blocks(int64_t rows) { return static_cast<unsigned>((rows + kWarps - 1) / kWarps); }

template <typename T>
__global__ void LayerNormKernel(const float* input, int64_t rows, int64_t width, const float* gain,
                                const float* bias, float epsilon, T* output) {
  const int64_t row = int64_t{blockIdx.x} * kWarps + threadIdx.y;
  if (row >= rows) return;
  const float* x = input + row * width;
  const float scale = 1.0f / static_cast<float>(width);
  float sum = 0;
  for (int64_t i = 2 * threadIdx.x; i < width; i += 64) {
    const float2 pair = *reinterpret_cast<const float2*>(x + i);
    sum += pair.x + pair.y;
  }
  const float mean = WarpSum(sum) * scale;
  float squares = 0;
  for (int64_t i = 2 * threadIdx.x; i < width; i += 64) {
    const float2 pair = *reinterpret_cast<const float2*>(x + i);
    squares = fmaf(pair.x - mean, pair.x - mean, squares);
    squares = fmaf(pair.y - mean, pair.y - mean, squares);
  }
  const float inverse = rsqrtf(WarpSum(squares) * scale + epsilon);
  for (int64_t i = 2 * threadIdx.x; i < width; i += 64) {
    const float2 pair = *reinterpret_cast<const float2*>(x + i);
    output[row * width + i] = FromFloat<T>(fmaf((pair.x - mean) * inverse, gain[i], bias[i]));
    output[row * width + i + 1] = FromFloat<T>(fmaf((pair.y - mean) * inverse, gain[i + 1], bias[i + 1]));
  }
}

template <typename T>
__global__ void LayerNormGeluKernel(T* values, int64_t rows, int64_t width, const float* offset,
                                    const float* gain, const float* bias, float epsilon) {
  const int64_t row = int64_t{blockIdx.x} * kWarps + threadIdx.y;
  if (row >= rows) return;
  T* x = values + row * width;
  const float scale = 1.0f / static_cast<float>(width);
  float sum = 0;
  for (int64_t i = threadIdx.x; i < width; i += 32) sum += ToFloat(x[i]) + offset[i];
  const float mean = WarpSum(sum) * scale;
  float squares = 0;
  for (int64_t i = threadIdx.x; i < width; i += 32) {
    const float d = ToFloat(x[i]) + offset[i] - mean;
    squares = fmaf(d, d, squares);
  }
  const float inverse = rsqrtf(WarpSum(squares) * scale + epsilon);
  for (int64_t i = threadIdx.x; i < width; i += 32) {
    x[i] = FromFloat<T>(Gelu(fmaf((ToFloat(x[i]) + offset[i] - mean) * inverse, gain[i], bias[i])));
  }
}

__global__ void NegativeLogSoftmaxKernel(const float* logits, MatrixView<float> nll) {
  const int64_t row = int64_t{blockIdx.x} * kWarps + threadIdx.y;
  if (row >= nll.rows) return;
  const float* x = logits + row * nll.columns;
  float largest = -INFINITY;
  for (int64_t i = threadIdx.x; i < nll.columns; i += 32) largest = fmaxf(largest, x[i]);
  largest = WarpMax(largest);
  float sum = 0;
  for (int64_t i = threadIdx.x; i < nll.columns; i += 32) sum += expf(x[i] - largest);
  const float normaliser = largest + logf(WarpSum(sum));
  for (int64_t i = threadIdx.x; i < nll.columns; i += 32) nll.data[row * nll.stride + i] = normaliser - x[i];
}

}  // namespace

Status LaunchLayerNorm(DeviceContext context, const float* input, int64_t rows, int64_t width,
                       const float* gain, const float* bias, float epsilon, ElementType type, void* output) {
  if (rows == 0) return Status::Ok();
  WithElement(type, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    LayerNormKernel<T><<<Blocks(rows), dim3(32, kWarps), 0, context.stream>>>(
        input, rows, width, gain, bias, epsilon, static_cast<T*>(output));
  });
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("LayerNormKernel");
  return Status::Ok();
}

Status LaunchLayerNormGelu(DeviceContext context, void* x, int64_t rows, int64_t width, const float* offset,
                           const float* gain, const float* bias, float epsilon, ElementType type) {
  if (rows == 0) return Status::Ok();
  WithElement(type, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    LayerNormGeluKernel<T><<<Blocks(rows), dim3(32, kWarps), 0, context.stream>>>(
        static_cast<T*>(x), rows, width, offset, gain, bias, epsilon);
  });
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("LayerNormGeluKernel");
  return Status::Ok();
}

Status LaunchNegativeLogSoftmax(DeviceContext context, const float* logits, MatrixView<float> nll) {
  if (nll.rows == 0) return Status::Ok();
  NegativeLogSoftmaxKernel<<<Blocks(nll.rows), dim3(32, kWarps), 0, context.stream>>>(logits, nll);
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("NegativeLogSoftmaxKernel");
  return Status::Ok();
}

}  // namespace skald
