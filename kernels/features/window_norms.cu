#include "base/cuda/cuda_status.h"
#include "kernels/features/window_norms.h"

namespace skald {
namespace {

constexpr int kThreads = 256;
constexpr int kBins = 32;                // columns of one thread block
constexpr int kRows = kThreads / kBins;  // rows that it reads at a time

/// Sum over the block, the same in every thread, in a fixed order.
__device__ double BlockSum(double value, double* partial) {
  __syncthreads();  // the sum before has been read
  partial[threadIdx.x] = value;
  __syncthreads();
  for (int step = kThreads / 2; step > 0; step /= 2) {
    if (threadIdx.x < step) partial[threadIdx.x] += partial[threadIdx.x + step];
    __syncthreads();
  }
  return partial[0];
}

__global__ void NormaliseBinsKernel(const FeatureWindow* windows, float* features, int64_t stride, int bins) {
  __shared__ double partial[kRows][kBins + 1];
  const FeatureWindow window = windows[blockIdx.x];
  const int column = static_cast<int>(threadIdx.x) % kBins, row = static_cast<int>(threadIdx.x) / kBins;
  const int bin = static_cast<int>(blockIdx.y) * kBins + column;
  const bool used = bin < bins;
  float* values = features + window.first_row * stride + bin;
  double moments[2];  // mean, then the sum of squares
  for (int moment = 0; moment < 2; ++moment) {
    double sum = 0;
    for (int64_t r = row; used && r < window.rows; r += kRows) {
      const double x = values[r * stride];
      sum += moment == 0 ? x : (x - moments[0]) * (x - moments[0]);
    }
    __syncthreads();
    partial[row][column] = sum;
    __syncthreads();
    sum = 0;
    for (int r = 0; r < kRows; ++r) sum += partial[r][column];
    moments[moment] = moment == 0 ? sum / static_cast<double>(window.rows) : sum;
  }
  const double scale =
      1.0 / ((window.rows > 1 ? sqrt(moments[1] / static_cast<double>(window.rows - 1)) : 0.0) + 1e-5);
  for (int64_t r = row; used && r < window.rows; r += kRows) {
    values[r * stride] = static_cast<float>((values[r * stride] - moments[0]) * scale);
  }
}

__device__ __forceinline__ float ToFloat(float sample) { return sample; }
__device__ __forceinline__ float ToFloat(int16_t sample) {
  return static_cast<float>(sample) * (1.0f / 32768);
}

template <typename Sample>
__global__ void WaveformKernel(const Sample* samples, const FeatureWindow* windows, float largest_sample,
                               bool normalise, float* features, int64_t stride) {
  __shared__ double partial[kThreads];
  const FeatureWindow window = windows[blockIdx.x];
  const Sample* source = samples + window.first_sample;
  const auto sane = [&](int64_t i) {
    const float x = ToFloat(source[i]);
    return fabsf(x) <= largest_sample ? x : 0.0f;  // NaN fails the comparison
  };
  double mean = 0, scale = 1;
  if (normalise && window.samples > 0) {
    double sum = 0;
    for (int64_t i = threadIdx.x; i < window.samples; i += kThreads) sum += sane(i);
    mean = BlockSum(sum, partial) / static_cast<double>(window.samples);
    double squares = 0;
    for (int64_t i = threadIdx.x; i < window.samples; i += kThreads)
      squares += (sane(i) - mean) * (sane(i) - mean);
    scale = 1.0 / sqrt(BlockSum(squares, partial) / static_cast<double>(window.samples) + 1e-7);
  }
  float* target = features + window.first_row * stride;
  for (int64_t i = threadIdx.x; i < window.rows; i += kThreads) {
    target[i * stride] = i < window.samples ? static_cast<float>((sane(i) - mean) * scale) : 0.0f;
  }
}

}  // namespace

Status LaunchNormaliseBins(DeviceContext context, const FeatureWindow* windows, int64_t window_count,
                           MatrixView<float> features) {
  if (window_count == 0) return Status::Ok();
  const auto bins = static_cast<int>(features.columns);
  const dim3 grid(static_cast<unsigned>(window_count), static_cast<unsigned>((bins + kBins - 1) / kBins));
  NormaliseBinsKernel<<<grid, kThreads, 0, context.stream>>>(windows, features.data, features.stride, bins);
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("NormaliseBinsKernel");
  return Status::Ok();
}

template <typename Sample>
Status LaunchWaveform(DeviceContext context, const Sample* samples, const FeatureWindow* windows,
                      int64_t window_count, float largest_sample, bool normalise,
                      MatrixView<float> features) {
  if (window_count == 0) return Status::Ok();
  WaveformKernel<Sample><<<static_cast<unsigned>(window_count), kThreads, 0, context.stream>>>(
      samples, windows, largest_sample, normalise, features.data, features.stride);
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("WaveformKernel");
  return Status::Ok();
}

template Status LaunchWaveform<float>(DeviceContext, const float*, const FeatureWindow*, int64_t, float, bool,
                                      MatrixView<float>);
template Status LaunchWaveform<int16_t>(DeviceContext, const int16_t*, const FeatureWindow*, int64_t, float,
                                        bool, MatrixView<float>);

}  // namespace skald
