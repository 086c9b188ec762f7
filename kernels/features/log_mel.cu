#include <algorithm>
#include <string>

#include "base/cuda/cuda_status.h"
#include "kernels/common/ordered_float.cuh"
#include "kernels/features/butterfly.cuh"
#include "kernels/features/log_mel.h"

// A block of 16 warps computes 32 frames: lane = frame, so that every shared access of a warp is one row of
// 32 floats without bank conflicts, twiddles and filter weights are the same for all lanes, and no frame can
// see another. Spectra live in shared memory as [element][frame]; each pass of the Stockham transform takes
// its inputs to registers, waits, and overwrites them.

namespace skald {
namespace {

constexpr int kLanes = kLogMelBlockFrames;
constexpr int kWarps = 16;
constexpr int kThreads = kLanes * kWarps;
constexpr int kOutputPitch = kLanes + 1;  // odd: rows are written by frame and read by bin

/// The parts of a block's shared memory.
struct Shared {
  float* re;       ///< [fft_size / 2 + 1][32] real parts, later the power spectrum
  float* im;       ///< [fft_size / 2][32] imaginary parts, later log mel values [mel_bins][33]
  float* partial;  ///< [16][32] one sum for each warp and frame
  float* samples;  ///< the block's samples in rows of one shift, later cepstra [cepstra][33]
  int* maximum;    ///< of the block
};

__host__ __device__ constexpr int ImagFloats(int fft_size) {
  return fft_size / 2 * kLanes > kLogMelMaximumBins * kOutputPitch ? fft_size / 2 * kLanes
                                                                   : kLogMelMaximumBins * kOutputPitch;
}

__device__ Shared DivideShared(float* memory, int fft_size) {
  Shared shared;
  shared.re = memory;
  shared.im = shared.re + (fft_size / 2 + 1) * kLanes;
  shared.partial = shared.im + ImagFloats(fft_size);
  shared.maximum = reinterpret_cast<int*>(shared.partial + kWarps * kLanes);
  shared.samples = shared.partial + kWarps * kLanes + 1;
  return shared;
}

__device__ __forceinline__ float ToFloat(float sample) { return sample; }
__device__ __forceinline__ float ToFloat(int16_t sample) {
  return static_cast<float>(sample) * (1.0f / 32768.0f);
}

/// Index of the sample at `position` of a window, -1 for zero; as SourceSample of
/// frontend/features/frame_layout.h.
template <bool kWhisper>
__device__ int64_t SourceSample(const LogMelPlan& plan, int64_t position, int64_t samples) {
  if constexpr (kWhisper) {
    const int64_t padded = max(samples, static_cast<int64_t>(plan.minimum_samples));
    if (position < 0) position = -position;
    if (position >= padded) position = 2 * padded - 2 - position;
    return position < samples ? position : -1;
  } else {
    while (position < 0 || position >= samples) {
      position = position < 0 ? -position - 1 : 2 * samples - 1 - position;
    }
    return position;
  }
}

/// Brings the samples that the block's frames see to shared memory; zeros for frames that do not exist.
template <bool kWhisper, typename Sample>
__device__ void LoadSamples(const LogMelPlan& plan, const LogMelBlock& block, const Sample* window,
                            float* target) {
  const int wanted = (block.frames - 1) * plan.frame_shift + plan.frame_length;
  const int total = (kLanes - 1) * plan.frame_shift + plan.frame_length;
  const int64_t start = plan.first_start + block.first_frame * plan.frame_shift;
  for (int s = threadIdx.x; s < total; s += kThreads) {
    float value = 0;
    if (s < wanted) {
      const int64_t position = start + s;
      int64_t source = position;
      float factor = plan.sample_scale;
      if (kWhisper || !plan.zero_ends) {
        source = SourceSample<kWhisper>(plan, position, block.samples);
      } else if (position >= block.samples) {
        // Samples that preemphasis turns into zeros.
        source = block.samples - 1;
        factor = powf(plan.preemphasis, static_cast<float>(position - source));
      }
      if (source >= 0) {
        value = ToFloat(__ldg(window + source));
        value = fabsf(value) <= plan.largest_sample ? value * factor : 0.0f;  // NaN fails the comparison
      }
    }
    const int row = s / plan.frame_shift;
    target[row * plan.sample_pitch + (s - row * plan.frame_shift)] = value;
  }
}

/// Sum over all warps of the values they leave for this lane's frame; the same for every warp.
__device__ float SumOverWarps(float* partial, int warp, int lane, float value) {
  __syncthreads();  // the previous sums have been read
  partial[warp * kLanes + lane] = value;
  __syncthreads();
  float sum = 0;
#pragma unroll
  for (int w = 0; w < kWarps; ++w) sum += partial[w * kLanes + lane];
  return sum;
}

/// Reads the windowed samples of one frame, with Kaldi's mean and preemphasis where asked for.
template <bool kWhisper>
struct FrameReader {
  const LogMelPlan& plan;
  const float* samples;  ///< of this lane's frame
  float mean;

  __device__ __forceinline__ float Centred(int i) const {
    return samples[__ldg(plan.sample_offsets + i)] - mean;
  }
  __device__ __forceinline__ float operator()(int i) const {
    if (kWhisper) return samples[__ldg(plan.sample_offsets + i)] * __ldg(plan.window + i);
    if (i >= plan.frame_length) return 0;
    float value = Centred(i);
    if (plan.preemphasis != 0) value -= plan.preemphasis * Centred(i > 0 ? i - 1 : 0);
    return value * __ldg(plan.window + i);
  }
};

/// Twiddles and writes one butterfly of a pass: outputs q + stride (radix p + k).
template <int kRadix, int kStride>
__device__ __forceinline__ void StoreButterfly(const LogMelPlan& plan, const Shared& shared, int lane,
                                               int butterfly, Complex (&v)[kRadix]) {
  const int p = butterfly / kStride;
  const int q = butterfly % kStride;
  Butterfly(v);
#pragma unroll
  for (int k = 0; k < kRadix; ++k) {
    const int index = p * k * kStride;
    if (k > 0) v[k] = v[k] * Complex{__ldg(plan.twiddle_real + index), __ldg(plan.twiddle_imag + index)};
    const int element = (q + kStride * (kRadix * p + k)) * kLanes + lane;
    shared.re[element] = v[k].re;
    shared.im[element] = v[k].im;
  }
}

/// First pass, stride 1: even samples are real parts, odd ones imaginary parts. Returns the sum of squares
/// this warp read.
template <int kHalf, int kRadix, typename Reader>
__device__ float FirstPass(const LogMelPlan& plan, const Shared& shared, int warp, int lane,
                           const Reader& read) {
  constexpr int kSpan = kHalf / kRadix;
  float energy = 0;
  for (int p = warp; p < kSpan; p += kWarps) {
    Complex v[kRadix];
#pragma unroll
    for (int j = 0; j < kRadix; ++j) {
      const int i = 2 * (p + kSpan * j);
      v[j] = {read(i), read(i + 1)};
      energy += v[j].re * v[j].re + v[j].im * v[j].im;
    }
    StoreButterfly<kRadix, 1>(plan, shared, lane, p, v);
  }
  __syncthreads();
  return energy;
}

/// A later pass in place: kStride interleaved transforms of length kRadix * kSpan.
template <int kHalf, int kRadix, int kStride>
__device__ void Pass(const LogMelPlan& plan, const Shared& shared, int warp, int lane) {
  constexpr int kButterflies = kHalf / kRadix;
  constexpr int kRounds = (kButterflies + kWarps - 1) / kWarps;
  Complex v[kRounds][kRadix];
#pragma unroll
  for (int round = 0; round < kRounds; ++round) {
    const int butterfly = warp + round * kWarps;
    if (butterfly >= kButterflies) continue;
#pragma unroll
    for (int j = 0; j < kRadix; ++j) {
      const int element = (butterfly + kButterflies * j) * kLanes + lane;  // q + stride (p + span j)
      v[round][j] = {shared.re[element], shared.im[element]};
    }
  }
  __syncthreads();
#pragma unroll
  for (int round = 0; round < kRounds; ++round) {
    const int butterfly = warp + round * kWarps;
    if (butterfly < kButterflies) StoreButterfly<kRadix, kStride>(plan, shared, lane, butterfly, v[round]);
  }
  __syncthreads();
}

/// Four times the power of the real frame, in place over the real parts (see frame_block.inc).
template <int kHalf>
__device__ void PowerSpectrum(const LogMelPlan& plan, const Shared& shared, int warp, int lane) {
  for (int k = warp; k <= kHalf / 2; k += kWarps) {
    const int low = k * kLanes + lane;
    const int high = (kHalf - k) * kLanes + lane;
    if (k == 0) {
      const float sum = shared.re[low] + shared.im[low];
      const float difference = shared.re[low] - shared.im[low];
      shared.re[low] = 4.0f * sum * sum;
      shared.re[high] = 4.0f * difference * difference;
      continue;
    }
    const Complex a = {shared.re[low], shared.im[low]};
    const Complex b = {shared.re[high], shared.im[high]};
    const Complex even = {a.re + b.re, a.im - b.im};
    const Complex odd =
        Complex{a.im + b.im, b.re - a.re} * Complex{__ldg(plan.split_real + k), __ldg(plan.split_imag + k)};
    const Complex x = even + odd;
    const Complex y = even - odd;
    shared.re[low] = __fmaf_rn(x.re, x.re, x.im * x.im);
    shared.re[high] = __fmaf_rn(y.re, y.re, y.im * y.im);
  }
  __syncthreads();
}

/// Log mel values of this lane's frame into target [mel_bins][33]; returns the largest one this warp
/// computed.
__device__ float MelFilters(const LogMelPlan& plan, const float* power, int warp, int lane, float* target) {
  float largest = -INFINITY;
  for (int m = warp; m < plan.mel_bins; m += kWarps) {
    const int start = __ldg(plan.mel_start + m);
    const int count = __ldg(plan.mel_start + m + 1) - start;
    const float* bins = power + __ldg(plan.mel_first + m) * kLanes + lane;
    float sum = 0;
    for (int i = 0; i < count; ++i)
      sum = __fmaf_rn(__ldg(plan.mel_weights + start + i), bins[i * kLanes], sum);
    const float value = logf(fmaxf(sum, plan.mel_floor) + plan.mel_offset) * plan.log_scale;
    target[m * kOutputPitch + lane] = value;
    largest = fmaxf(largest, value);
  }
  return largest;
}

template <int kFftSize>
__device__ __forceinline__ void LaterPasses(const LogMelPlan& plan, const Shared& shared, int warp,
                                            int lane) {
  if constexpr (kFftSize == 400) {  // 200 = 8 * 5 * 5
    Pass<200, 5, 8>(plan, shared, warp, lane);
    Pass<200, 5, 40>(plan, shared, warp, lane);
  } else {  // 256 = 8 * 8 * 4
    static_assert(kFftSize == 512);
    Pass<256, 8, 8>(plan, shared, warp, lane);
    Pass<256, 4, 64>(plan, shared, warp, lane);
  }
}

template <int kFftSize, bool kWhisper, typename Sample>
__global__ void __launch_bounds__(kThreads, 2)
    LogMelKernel(const LogMelPlan plan, const Sample* __restrict__ packed,
                 const LogMelBlock* __restrict__ blocks, int* __restrict__ window_maximum,
                 float* __restrict__ features, int64_t feature_stride) {
  extern __shared__ float memory[];
  const Shared shared = DivideShared(memory, kFftSize);
  const LogMelBlock block = blocks[blockIdx.x];
  const int warp = threadIdx.x / kLanes;
  const int lane = threadIdx.x % kLanes;

  if (threadIdx.x == 0) *shared.maximum = kLogMelNoMaximum;
  LoadSamples<kWhisper>(plan, block, packed + block.first_sample, shared.samples);
  __syncthreads();

  FrameReader<kWhisper> read = {plan, shared.samples + lane * plan.sample_pitch, 0.0f};
  float energy = 0;
  if constexpr (!kWhisper) {
    if (plan.remove_dc_offset) {
      float sum = 0;
      for (int i = warp; i < plan.frame_length; i += kWarps) sum += read.Centred(i);
      read.mean = SumOverWarps(shared.partial, warp, lane, sum) / static_cast<float>(plan.frame_length);
    }
    if (plan.energy_output >= 0 && plan.raw_energy) {
      for (int i = warp; i < plan.frame_length; i += kWarps) energy += read.Centred(i) * read.Centred(i);
      energy = SumOverWarps(shared.partial, warp, lane, energy);
    }
  }
  const float windowed_energy = FirstPass<kFftSize / 2, 8>(plan, shared, warp, lane, read);
  if constexpr (!kWhisper) {
    if (plan.energy_output >= 0 && !plan.raw_energy) {
      energy = SumOverWarps(shared.partial, warp, lane, windowed_energy);
    }
  }
  LaterPasses<kFftSize>(plan, shared, warp, lane);
  PowerSpectrum<kFftSize / 2>(plan, shared, warp, lane);

  float* output = shared.im;  // [bins][33]
  if (kWhisper || plan.cepstra == 0) {
    const float largest =
        MelFilters(plan, shared.re, warp, lane, output + (kWhisper ? 0 : plan.mel_output * kOutputPitch));
    if constexpr (kWhisper) {
      const int key =
          __reduce_max_sync(0xffffffffu, lane < block.frames ? OrderedFromFloat(largest) : kLogMelNoMaximum);
      if (lane == 0) atomicMax(shared.maximum, key);
    }
  } else {
    MelFilters(plan, shared.re, warp, lane, shared.im);
    __syncthreads();
    output = shared.samples;
    for (int c = warp; c < plan.cepstra; c += kWarps) {
      float sum = 0;
      for (int m = 0; m < plan.mel_bins; ++m) {
        sum = __fmaf_rn(__ldg(plan.dct + c * plan.mel_bins + m), shared.im[m * kOutputPitch + lane], sum);
      }
      if (c != plan.energy_output) output[c * kOutputPitch + lane] = sum;
    }
  }
  if constexpr (!kWhisper) {
    if (plan.energy_output >= 0 && warp == 0) {
      output[plan.energy_output * kOutputPitch + lane] = logf(fmaxf(energy, plan.energy_floor));
    }
  }
  __syncthreads();
  if (kWhisper && threadIdx.x == 0) atomicMax(window_maximum + block.window, *shared.maximum);
  for (int i = threadIdx.x; i < block.frames * plan.bins; i += kThreads) {
    const int frame = i / plan.bins;
    const int bin = i - frame * plan.bins;
    features[(block.first_row + frame) * feature_stride + bin] = output[bin * kOutputPitch + frame];
  }
}

constexpr int kClampThreads = 256;

__global__ void __launch_bounds__(kClampThreads)
    LogMelClampKernel(const LogMelBlock* __restrict__ blocks, const int* __restrict__ window_maximum,
                      float* __restrict__ features, int64_t feature_stride, int bins) {
  const LogMelBlock block = blocks[blockIdx.x];
  const float floor = FloatFromOrdered(window_maximum[block.window]) - 8.0f;
  for (int i = threadIdx.x; i < block.frames * bins; i += kClampThreads) {
    const int frame = i / bins;
    float* const value = features + (block.first_row + frame) * feature_stride + (i - frame * bins);
    *value = (fmaxf(*value, floor) + 4.0f) * 0.25f;
  }
}

/// The kernel for a plan; null where there is none.
template <typename Sample>
auto* KernelFor(const LogMelPlan& plan) {
  if (plan.fft_size == 400)
    return plan.whisper ? &LogMelKernel<400, true, Sample> : &LogMelKernel<400, false, Sample>;
  if (plan.fft_size == 512)
    return plan.whisper ? &LogMelKernel<512, true, Sample> : &LogMelKernel<512, false, Sample>;
  return static_cast<decltype(&LogMelKernel<400, true, Sample>)>(nullptr);
}

}  // namespace

size_t LogMelSharedBytes(const LogMelPlan& plan) {
  const int last_sample = (kLanes - 1) * plan.frame_shift + plan.frame_length - 1;
  const int sample_floats = LogMelSampleOffset(last_sample, plan.frame_shift) + 1;
  const int floats = (plan.fft_size / 2 + 1) * kLanes + ImagFloats(plan.fft_size) + kWarps * kLanes + 1 +
                     std::max(sample_floats, kLogMelMaximumBins * kOutputPitch);
  return static_cast<size_t>(floats) * sizeof(float);
}

Status PrepareLogMel(const LogMelPlan& plan) {
  if (KernelFor<float>(plan) == nullptr) {
    return Status::Unsupported("features on CUDA need an fft_size of 400 or 512, not " +
                               std::to_string(plan.fft_size));
  }
  int device = 0;
  int shared_limit = 0;
  SKALD_CUDA_RETURN_IF_ERROR(cudaGetDevice(&device));
  SKALD_CUDA_RETURN_IF_ERROR(
      cudaDeviceGetAttribute(&shared_limit, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
  const size_t bytes = LogMelSharedBytes(plan);
  if (bytes > static_cast<size_t>(shared_limit)) {
    return Status::Unsupported("features of this frame shift and length need " + std::to_string(bytes) +
                               " bytes of shared memory, the device has " + std::to_string(shared_limit));
  }
  // The limit of a kernel is shared by all plans: raise it to what the device has.
  for (const void* kernel : {reinterpret_cast<const void*>(KernelFor<float>(plan)),
                             reinterpret_cast<const void*>(KernelFor<int16_t>(plan))}) {
    SKALD_CUDA_RETURN_IF_ERROR(
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_limit));
  }
  return Status::Ok();
}

template <typename Sample>
Status LaunchLogMel(DeviceContext context, const LogMelPlan& plan, const Sample* samples,
                    const LogMelBlock* blocks, int block_count, int* window_maximum,
                    MatrixView<float> features) {
  KernelFor<Sample>(plan)<<<block_count, kThreads, LogMelSharedBytes(plan), context.stream>>>(
      plan, samples, blocks, window_maximum, features.data, features.stride);
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("LogMelKernel");
  return Status::Ok();
}

template Status LaunchLogMel<float>(DeviceContext, const LogMelPlan&, const float*, const LogMelBlock*, int,
                                    int*, MatrixView<float>);
template Status LaunchLogMel<int16_t>(DeviceContext, const LogMelPlan&, const int16_t*, const LogMelBlock*,
                                      int, int*, MatrixView<float>);

Status LaunchLogMelClamp(DeviceContext context, const LogMelBlock* blocks, int block_count,
                         const int* window_maximum, MatrixView<float> features) {
  LogMelClampKernel<<<block_count, kClampThreads, 0, context.stream>>>(
      blocks, window_maximum, features.data, features.stride, static_cast<int>(features.columns));
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("LogMelClampKernel");
  return Status::Ok();
}

}  // namespace skald
