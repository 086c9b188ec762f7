#include "kernels/nn/element.cuh"
#include "kernels/nn/row_maps.h"

namespace skald {
namespace {

constexpr int kThreads = 128;  // one block for each row

template <typename T>
__global__ void SpaceRowsKernel(FeatureView features, const int32_t* source, T* spaced) {
  const int64_t row = blockIdx.x;
  const int32_t from = source[row];
  for (int64_t i = threadIdx.x; i < features.columns; i += kThreads) {
    const float x = from < 0 ? 0.0f : features.data[from * features.stride + i];
    spaced[row * features.columns + i] = FromFloat<T>(x);
  }
}

template <typename T>
__global__ void BiasGeluKernel(T* x, int64_t width, const float* bias, const int32_t* source) {
  const int64_t row = blockIdx.x;
  const bool gap = source != nullptr && source[row] < 0;
  for (int64_t i = threadIdx.x; i < width; i += kThreads) {
    T* element = x + row * width + i;
    *element = FromFloat<T>(gap ? 0.0f : Gelu(ToFloat(*element) + bias[i]));
  }
}

template <typename T>
__global__ void GatherWithPositionsKernel(const T* spaced, const int32_t* source, const int32_t* position,
                                          int64_t width, const float* bias, const float* positions,
                                          float* output) {
  const int64_t row = blockIdx.x;
  const T* from = spaced + source[row] * width;
  const float* at = positions + position[row] * width;
  for (int64_t i = threadIdx.x; i < width; i += kThreads) {
    output[row * width + i] = Gelu(ToFloat(from[i]) + bias[i]) + at[i];
  }
}

__global__ void PoolPairsKernel(const float* x, const int32_t* first, const int32_t* second, int64_t width,
                                float* output) {
  const int64_t row = blockIdx.x;
  const float* a = x + first[row] * width;
  const float* b = x + second[row] * width;
  for (int64_t i = threadIdx.x; i < width; i += kThreads) output[row * width + i] = 0.5f * (a[i] + b[i]);
}

}  // namespace

Status LaunchSpaceRows(DeviceContext context, FeatureView features, const int32_t* source,
                       int64_t spaced_rows, ElementType type, void* spaced) {
  if (spaced_rows == 0) return Status::Ok();
  WithElement(type, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    SpaceRowsKernel<T><<<static_cast<unsigned>(spaced_rows), kThreads, 0, context.stream>>>(
        features, source, static_cast<T*>(spaced));
  });
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("SpaceRowsKernel");
  return Status::Ok();
}

Status LaunchBiasGelu(DeviceContext context, void* x, int64_t rows, int64_t width, const float* bias,
                      const int32_t* source, ElementType type) {
  if (rows == 0) return Status::Ok();
  WithElement(type, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    BiasGeluKernel<T><<<static_cast<unsigned>(rows), kThreads, 0, context.stream>>>(static_cast<T*>(x), width,
                                                                                    bias, source);
  });
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("BiasGeluKernel");
  return Status::Ok();
}

Status LaunchGatherWithPositions(DeviceContext context, const void* spaced, ElementType type,
                                 const int32_t* source, const int32_t* position, int64_t rows, int64_t width,
                                 const float* bias, const float* positions, float* output) {
  if (rows == 0) return Status::Ok();
  WithElement(type, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    GatherWithPositionsKernel<T><<<static_cast<unsigned>(rows), kThreads, 0, context.stream>>>(
        static_cast<const T*>(spaced), source, position, width, bias, positions, output);
  });
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("GatherWithPositionsKernel");
  return Status::Ok();
}

Status LaunchPoolPairs(DeviceContext context, const float* x, const int32_t* first, const int32_t* second,
                       int64_t rows, int64_t width, float* output) {
  if (rows == 0) return Status::Ok();
  PoolPairsKernel<<<static_cast<unsigned>(rows), kThreads, 0, context.stream>>>(x, first, second, width,
                                                                                output);
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("PoolPairsKernel");
  return Status::Ok();
}

}  // namespace skald
