#include "kernels/nn/conformer_rows.h"
#include "kernels/nn/element.cuh"

namespace skald {
namespace {

constexpr int kThreads = 128;

__device__ __forceinline__ float Sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

template <typename T>
__global__ void GatedKernel(const T* input, int64_t width, const float* bias, T* output) {
  const int64_t row = blockIdx.x;
  const T* x = input + row * 2 * width;
  for (int64_t i = threadIdx.x; i < width; i += kThreads) {
    const float a = ToFloat(x[i]) + bias[i], b = ToFloat(x[width + i]) + bias[width + i];
    output[row * width + i] = FromFloat<T>(a * Sigmoid(b));
  }
}

template <typename T>
__global__ void DepthwiseSwishKernel(const T* input, const RowWindow* row_windows, int64_t width, int taps,
                                     const float* weights, const float* bias, T* output) {
  const int row = static_cast<int>(blockIdx.x);
  const RowWindow window = row_windows[row];
  const int first = row - (taps - 1) / 2;
  for (int64_t i = threadIdx.x; i < width; i += kThreads) {
    float sum = bias[i];
    for (int k = 0; k < taps; ++k) {
      const int source = first + k;
      if (source < window.first_row || source >= window.end_row) continue;
      sum = fmaf(ToFloat(input[source * width + i]), weights[k * width + i], sum);
    }
    output[row * width + i] = FromFloat<T>(sum * Sigmoid(sum));
  }
}

template <typename T>
__global__ void SubsamplingKernel(const SubsamplingStage stage, T* output) {
  const int64_t row = blockIdx.x;
  const int bins = stage.bins / 2, bin = static_cast<int>(blockIdx.y);
  const RowWindow window = stage.windows[row];
  const int centre = stage.centres[row];
  for (int channel = static_cast<int>(threadIdx.x); channel < stage.channels; channel += kThreads) {
    float sum = stage.bias[channel];
    for (int tap = 0; tap < 9; ++tap) {
      const int frame = centre - 1 + tap / 3, source_bin = 2 * bin - 1 + tap % 3;
      if (frame < window.first_row || frame >= window.end_row || source_bin < 0 || source_bin >= stage.bins)
        continue;
      const float x =
          stage.from_features
              ? static_cast<const float*>(stage.input)[frame * stage.feature_stride + source_bin]
              : fmaxf(
                    ToFloat(static_cast<const T*>(
                        stage.input)[(int64_t{frame} * stage.bins + source_bin) * stage.channels + channel]),
                    0.0f);
      sum = fmaf(x, stage.weights[tap * stage.channels + channel], sum);
    }
    output[(row * bins + bin) * stage.channels + channel] = FromFloat<T>(sum);
  }
}

}  // namespace

Status LaunchGated(DeviceContext context, const void* input, int64_t rows, int64_t width, const float* bias,
                   ElementType type, void* output) {
  if (rows == 0) return Status::Ok();
  WithElement(type, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    GatedKernel<T><<<static_cast<unsigned>(rows), kThreads, 0, context.stream>>>(
        static_cast<const T*>(input), width, bias, static_cast<T*>(output));
  });
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("GatedKernel");
  return Status::Ok();
}

Status LaunchDepthwiseSwish(DeviceContext context, const void* input, const RowWindow* row_windows,
                            int64_t rows, int64_t width, int taps, const float* weights, const float* bias,
                            ElementType type, void* output) {
  if (rows == 0) return Status::Ok();
  WithElement(type, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    DepthwiseSwishKernel<T><<<static_cast<unsigned>(rows), kThreads, 0, context.stream>>>(
        static_cast<const T*>(input), row_windows, width, taps, weights, bias, static_cast<T*>(output));
  });
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("DepthwiseSwishKernel");
  return Status::Ok();
}

Status LaunchSubsampling(DeviceContext context, const SubsamplingStage& stage, void* output) {
  if (stage.rows == 0) return Status::Ok();
  WithElement(stage.type, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    const dim3 grid(static_cast<unsigned>(stage.rows), static_cast<unsigned>(stage.bins / 2));
    SubsamplingKernel<T><<<grid, kThreads, 0, context.stream>>>(stage, static_cast<T*>(output));
  });
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("SubsamplingKernel");
  return Status::Ok();
}

}  // namespace skald
