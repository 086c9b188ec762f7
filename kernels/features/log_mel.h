#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/cuda/device_context.h"
#include "base/status.h"
#include "base/view.h"

namespace skald {

/// Frames that one thread block computes, one in each lane of its warps.
inline constexpr int kLogMelBlockFrames = 32;

/// Most values of a frame.
inline constexpr int kLogMelMaximumBins = 128;

/// The work of one thread block: up to kLogMelBlockFrames consecutive frames of one window. Made on the host.
struct LogMelBlock {
  int64_t first_sample;  ///< of the window, in the packed samples
  int64_t samples;       ///< of the window, at least 1
  int64_t first_frame;   ///< of this block, in the window
  int64_t first_row;     ///< of the output, for that frame
  int32_t frames;        ///< 1 .. kLogMelBlockFrames
  int32_t window;        ///< index of the window's maximum
};

/// What to compute. Pointers are to device memory; frontend/features/feature_tables.h says how the tables are
/// made.
struct LogMelPlan {
  int fft_size;         ///< 400 or 512
  int frame_length;     ///< samples, at most fft_size
  int frame_shift;      ///< samples
  int sample_pitch;     ///< LogMelSamplePitch(frame_shift)
  int first_start;      ///< where frame 0 starts in its window; negative: before it
  int minimum_samples;  ///< Whisper: shorter windows count as padded with zeros up to here
  bool whisper;         ///< ends reflected without the edge sample, result clamped; else Kaldi
  bool zero_ends;       ///< not Kaldi's mirrored ends but silence, also after preemphasis; not with whisper
  int bins;             ///< values of a frame
  int mel_bins;
  int cepstra;        ///< 0: no DCT
  int mel_output;     ///< output of the first mel value where there is no DCT
  int energy_output;  ///< output of the log energy; -1: none
  bool remove_dc_offset;
  bool raw_energy;
  float preemphasis;
  float sample_scale;    ///< of samples in [-1, 1]
  float largest_sample;  ///< samples above it in magnitude, before scaling, and NaN count as 0
  float mel_floor;
  float mel_offset;  ///< added to what is above the floor
  float energy_floor;
  float log_scale;            ///< of the natural logarithm
  const float* window;        ///< [frame_length]
  const int* sample_offsets;  ///< [frame_length] LogMelSampleOffset of every sample of a frame
  const float* twiddle_real;  ///< [fft_size / 2]
  const float* twiddle_imag;  ///< [fft_size / 2]
  const float* split_real;    ///< [fft_size / 4 + 1]
  const float* split_imag;    ///< [fft_size / 4 + 1]
  const int* mel_first;       ///< [mel_bins]
  const int* mel_start;       ///< [mel_bins + 1]
  const float* mel_weights;   ///< on four times the power
  const float* dct;           ///< [cepstra, mel_bins]
};

/// Where sample i of a block stands in shared memory: rows of one shift with a pitch that is odd, so that the
/// lanes of a warp, a shift apart, are in different banks.
inline constexpr int LogMelSamplePitch(int frame_shift) { return frame_shift | 1; }
inline constexpr int LogMelSampleOffset(int sample, int frame_shift) {
  return sample / frame_shift * LogMelSamplePitch(frame_shift) + sample % frame_shift;
}

/// Value of a window's maximum before the first frame of the window.
inline constexpr int kLogMelNoMaximum = std::numeric_limits<int>::min();

/// Bytes of shared memory a block needs.
size_t LogMelSharedBytes(const LogMelPlan& plan);

/// To be called once for a plan on the current device, before the first launch. kUnsupported for a fft_size
/// without kernel or a shape that needs more shared memory than the device has.
Status PrepareLogMel(const LogMelPlan& plan);

/// One fused pass over packed samples [device]: window, transform, power, mel filters, logarithm, and DCT or
/// energy where asked for; one launch of `block_count` (at least 1) blocks. Sample is float in [-1, 1] or
/// int16_t (x / 32768). features [rows, bins] and blocks on the device. Whisper:
/// window_maximum[blocks[i].window], set to kLogMelNoMaximum before, receives the maximum as an ordered
/// integer; call LaunchLogMelClamp next. Deterministic; a frame depends on its own window only.
template <typename Sample>
Status LaunchLogMel(DeviceContext context, const LogMelPlan& plan, const Sample* samples,
                    const LogMelBlock* blocks, int block_count, int* window_maximum,
                    MatrixView<float> features);

/// Whisper's last step, in place, one launch: (max(L, maximum of the window - 8) + 4) / 4.
Status LaunchLogMelClamp(DeviceContext context, const LogMelBlock* blocks, int block_count,
                         const int* window_maximum, MatrixView<float> features);

}  // namespace skald
