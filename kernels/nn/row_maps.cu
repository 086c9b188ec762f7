#include "kernels/nn/element.cuh"
#include "kernels/nn/row_maps.h"

namespace skald {
namespace {

constexpr int kThreads = 128;  // one block for each row

template <typename T>
__global__ void SpaceRowsKernel(FeatureView features, const int32_t* source, T* spaced) {
  const int64_t row = blockIdx.x;
  const int64_t from = source == nullptr ? row : source[row];
  for (int64_t i = threadIdx.x; i < features.columns; i += kThreads) {
    const float x = from < 0 ? 0.0f : features.data[from * features.stride + i];
    spaced[row * features.columns + i] = FromFloat<T>(x);
  }
}

template <RowActivation kActivation>
__device__ __forceinline__ float Activate(float x) {
  if constexpr (kActivation == RowActivation::kGelu) return Gelu(x);
  if constexpr (kActivation == RowActivation::kSwish) return x / (1.0f + expf(-x));
  if constexpr (kActivation == RowActivation::kRelu) return fmaxf(x, 0.0f);
  return x;
}

template <RowActivation kActivation, typename T>
__global__ void BiasActivationKernel(T* x, int64_t width, const float* bias, const int32_t* source) {
  const int64_t row = blockIdx.x;
  const bool gap = source != nullptr && source[row] < 0;
  for (int64_t i = threadIdx.x; i < width; i += kThreads) {
    T* element = x + row * width + i;
    *element = FromFloat<T>(gap ? 0.0f : Activate<kActivation>(ToFloat(*element) + bias[i]));
  }
}

template <typename T, typename Out>
__global__ void GatherRowsKernel(const T* spaced, const int32_t* source, int64_t width, Out* output) {
  const int64_t row = blockIdx.x;
  const T* from = spaced + int64_t{source[row]} * width;
  for (int64_t i = threadIdx.x; i < width; i += kThreads)
    output[row * width + i] = FromFloat<Out>(ToFloat(from[i]));
}

template <typename T>
__global__ void AddGeluKernel(const T* spaced, const int32_t* source, int64_t width, const float* bias,
                              float* x) {
  const int64_t row = blockIdx.x;
  const T* from = spaced + int64_t{source[row]} * width;
  for (int64_t i = threadIdx.x; i < width; i += kThreads)
    x[row * width + i] += Gelu(ToFloat(from[i]) + bias[i]);
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

Status LaunchBiasActivation(DeviceContext context, void* x, int64_t rows, int64_t width, const float* bias,
                            const int32_t* source, RowActivation activation, ElementType type) {
  if (rows == 0) return Status::Ok();
  WithElement(type, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    const auto kernel = activation == RowActivation::kGelu    ? BiasActivationKernel<RowActivation::kGelu, T>
                        : activation == RowActivation::kSwish ? BiasActivationKernel<RowActivation::kSwish, T>
                        : activation == RowActivation::kRelu  ? BiasActivationKernel<RowActivation::kRelu, T>
                                                              : BiasActivationKernel<RowActivation::kNone, T>;
    kernel<<<static_cast<unsigned>(rows), kThreads, 0, context.stream>>>(static_cast<T*>(x), width, bias,
                                                                         source);
  });
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("BiasActivationKernel");
  return Status::Ok();
}

Status LaunchGatherRows(DeviceContext context, const void* spaced, ElementType type, const int32_t* source,
                        int64_t rows, int64_t width, ElementType output_type, void* output) {
  if (rows == 0) return Status::Ok();
  WithElement(type, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    const auto* input = static_cast<const T*>(spaced);
    const auto blocks = static_cast<unsigned>(rows);
    WithElement(output_type, [&](auto* out_element) {
      using Out = std::remove_pointer_t<decltype(out_element)>;
      GatherRowsKernel<T, Out>
          <<<blocks, kThreads, 0, context.stream>>>(input, source, width, static_cast<Out*>(output));
    });
  });
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("GatherRowsKernel");
  return Status::Ok();
}

Status LaunchAddGelu(DeviceContext context, const void* spaced, ElementType type, const int32_t* source,
                     int64_t rows, int64_t width, const float* bias, float* x) {
  if (rows == 0) return Status::Ok();
  WithElement(type, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    AddGeluKernel<T><<<static_cast<unsigned>(rows), kThreads, 0, context.stream>>>(
        static_cast<const T*>(spaced), source, width, bias, x);
  });
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("AddGeluKernel");
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
