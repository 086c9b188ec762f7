#include "base/check.h"
#include "kernels/nn/element.cuh"
#include "kernels/nn/waveform_convolution.h"

namespace skald {
namespace {

constexpr int kThreads = 256;

/// One moment of one window: the mean of sample k, or of the product of samples k and l, over the window's
/// rows.
__global__ void MomentsKernel(WaveformShape shape, const float* samples, const WaveformWindow* windows,
                              double* moments) {
  __shared__ double partial[kThreads];
  const WaveformWindow window = windows[blockIdx.x];
  const int k = static_cast<int>(blockIdx.y) / (shape.taps + 1),
            l = static_cast<int>(blockIdx.y) % (shape.taps + 1);
  if (l < shape.taps && l > k) return;  // symmetric
  const float* x = samples + window.first_sample;
  double sum = 0;
  for (int64_t t = threadIdx.x; t < window.rows; t += kThreads) {
    const double a = x[t * shape.stride + k];
    sum += l == shape.taps ? a : a * x[t * shape.stride + l];
  }
  partial[threadIdx.x] = sum;
  __syncthreads();
  for (int step = kThreads / 2; step > 0; step /= 2) {
    if (threadIdx.x < step) partial[threadIdx.x] += partial[threadIdx.x + step];
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    moments[(int64_t{blockIdx.x} * shape.taps + k) * (shape.taps + 1) + l] =
        window.rows > 0 ? partial[0] / window.rows : 0.0;
  }
}

__global__ void FoldKernel(WaveformShape shape, const double* moments, const float* weights,
                           const float* gain, const float* bias, float epsilon, float* folded) {
  const int channel = static_cast<int>(blockIdx.y * kThreads + threadIdx.x);
  if (channel >= shape.channels) return;
  const int taps = shape.taps;
  const double* moment = moments + int64_t{blockIdx.x} * taps * (taps + 1);
  const float* w = weights + int64_t{channel} * taps;
  double average = 0, variance = 0;
  for (int k = 0; k < taps; ++k) {
    const double mean_k = moment[k * (taps + 1) + taps];
    average += w[k] * mean_k;
    for (int l = 0; l <= k; ++l) {
      const double covariance = moment[k * (taps + 1) + l] - mean_k * moment[l * (taps + 1) + taps];
      variance += (k == l ? 1.0 : 2.0) * w[k] * w[l] * covariance;
    }
  }
  const double scale = gain[channel] / sqrt(fmax(variance, 0.0) + epsilon);
  float* out = folded + int64_t{blockIdx.x} * (taps + 1) * shape.channels + channel;
  for (int k = 0; k < taps; ++k) out[int64_t{k} * shape.channels] = static_cast<float>(w[k] * scale);
  out[int64_t{taps} * shape.channels] = static_cast<float>(bias[channel] - scale * average);
}

template <typename T>
__global__ void ConvolutionKernel(WaveformShape shape, const float* samples, const WaveformBlock* blocks,
                                  const float* folded, bool per_window, bool gelu, T* output) {
  extern __shared__ float seen[];  // [(kWaveformRows - 1) * stride + taps]
  const WaveformBlock block = blocks[blockIdx.x];
  const int count = block.rows > 0 ? (block.rows - 1) * shape.stride + shape.taps : 0;
  for (int i = static_cast<int>(threadIdx.x); i < count; i += kThreads)
    seen[i] = samples[block.first_sample + i];
  __syncthreads();
  const float* weights =
      folded + (per_window ? int64_t{block.window} * (shape.taps + 1) * shape.channels : 0);
  for (int channel = static_cast<int>(threadIdx.x); channel < shape.channels; channel += kThreads) {
    const float bias = weights[int64_t{shape.taps} * shape.channels + channel];
    for (int row = 0; row < kWaveformRows; ++row) {
      float sum = row < block.rows ? bias : 0.0f;
      if (row < block.rows) {
        for (int k = 0; k < shape.taps; ++k) {
          sum = fmaf(seen[row * shape.stride + k], weights[int64_t{k} * shape.channels + channel], sum);
        }
      }
      output[(int64_t{blockIdx.x} * kWaveformRows + row) * shape.channels + channel] =
          FromFloat<T>(gelu ? Gelu(sum) : sum);
    }
  }
}

}  // namespace

Status LaunchFoldGroupNorm(DeviceContext context, const WaveformShape& shape, const float* samples,
                           const WaveformWindow* windows, int64_t window_count, const float* weights,
                           const float* gain, const float* bias, float epsilon, double* moments,
                           float* folded) {
  if (window_count == 0) return Status::Ok();
  const auto count = static_cast<unsigned>(window_count);
  MomentsKernel<<<dim3(count, static_cast<unsigned>(shape.taps * (shape.taps + 1))), kThreads, 0,
                  context.stream>>>(shape, samples, windows, moments);
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("MomentsKernel");
  FoldKernel<<<dim3(count, static_cast<unsigned>((shape.channels + kThreads - 1) / kThreads)), kThreads, 0,
               context.stream>>>(shape, moments, weights, gain, bias, epsilon, folded);
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("FoldKernel");
  return Status::Ok();
}

Status LaunchWaveformConvolution(DeviceContext context, const WaveformShape& shape, const float* samples,
                                 const WaveformBlock* blocks, int64_t block_count, const float* folded,
                                 bool per_window, bool gelu, ElementType type, void* output) {
  SKALD_CHECK(shape.taps <= kWaveformMaxTaps, "too many taps");
  if (block_count == 0) return Status::Ok();
  const size_t shared = static_cast<size_t>((kWaveformRows - 1) * shape.stride + shape.taps) * sizeof(float);
  WithElement(type, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    ConvolutionKernel<T><<<static_cast<unsigned>(block_count), kThreads, shared, context.stream>>>(
        shape, samples, blocks, folded, per_window, gelu, static_cast<T*>(output));
  });
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("ConvolutionKernel");
  return Status::Ok();
}

}  // namespace skald
