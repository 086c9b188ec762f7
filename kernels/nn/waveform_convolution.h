#pragma once

#include <cstdint>

#include "base/cuda/device_context.h"
#include "base/status.h"
#include "kernels/nn/element_type.h"

namespace skald {

/// Rows that one thread block of LaunchWaveformConvolution computes.
inline constexpr int kWaveformRows = 32;

/// Most taps of LaunchWaveformConvolution.
inline constexpr int kWaveformMaxTaps = 64;

/// One block's work: kWaveformRows rows of the output, of which the first `rows` are a window's and the
/// others a gap. Made on the host.
struct WaveformBlock {
  int32_t first_sample;  ///< that the first row sees
  int32_t rows;          ///< 0 .. kWaveformRows
  int32_t window;
};

/// A window's samples, for the group norm. Made on the host.
struct WaveformWindow {
  int32_t first_sample;
  int32_t rows;  ///< of the convolution; 0: none
};

/// The first convolution of a network over samples: [taps, stride, channels].
struct WaveformShape {
  int taps = 0;  ///< at most kWaveformMaxTaps
  int stride = 0;
  int channels = 0;
};

/// Folds a group norm over each window's rows into the weights of each window (FoldedConvolution in
/// models/architectures/wav2vec2_ctc.h): folded [windows, taps + 1, channels], the bias behind the taps.
/// weights [channels, taps], gain and bias [channels]; moments [windows, taps, taps + 1] doubles are scratch.
/// All on the device. Deterministic; a window depends on itself only.
Status LaunchFoldGroupNorm(DeviceContext context, const WaveformShape& shape, const float* samples,
                           const WaveformWindow* windows, int64_t window_count, const float* weights,
                           const float* gain, const float* bias, float epsilon, double* moments,
                           float* folded);

/// output [block_count * kWaveformRows, channels] of `type`: rows of the convolution, GELU applied where
/// `gelu`; zeros in gaps. folded as above; `per_window` false: one for all windows.
Status LaunchWaveformConvolution(DeviceContext context, const WaveformShape& shape, const float* samples,
                                 const WaveformBlock* blocks, int64_t block_count, const float* folded,
                                 bool per_window, bool gelu, ElementType type, void* output);

}  // namespace skald
