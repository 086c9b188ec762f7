#pragma once

#include <algorithm>
#include <cstdint>

#include "frontend/features/feature_options.h"

namespace skald {

/// Frames of a window of `samples` samples (at least 0). An empty window has no frames, whatever the kind.
inline int64_t FeatureFrameCount(const FeatureOptions& options, int64_t samples) {
  if (samples <= 0) return 0;
  const int64_t shift = options.frame_shift_samples;
  if (options.kind == FeatureKind::kWhisperLogMel || options.kind == FeatureKind::kNemoLogMel ||
      options.kind == FeatureKind::kWaveform) {
    return std::max<int64_t>(samples, options.minimum_samples) / shift;
  }
  if (!options.snip_edges) return (samples + shift / 2) / shift;
  const int64_t length = options.frame_length_samples;
  return samples < length ? 0 : 1 + (samples - length) / shift;
}

/// Position in the window of the first sample of frame 0; negative where the frame starts before the window.
/// Frame t starts t * frame_shift_samples later.
inline int64_t FirstFrameStart(const FeatureOptions& options) {
  if (options.kind == FeatureKind::kWhisperLogMel) return -options.fft_size / 2;
  if (options.kind == FeatureKind::kNemoLogMel) return -options.frame_length_samples / 2;
  return options.snip_edges ? 0 : options.frame_shift_samples / 2 - options.frame_length_samples / 2;
}

/// Which of `samples` (at least 1) samples stands at `position`, which may lie outside of the window; -1:
/// zero.
inline int64_t SourceSample(const FeatureOptions& options, int64_t position, int64_t samples) {
  if (options.kind == FeatureKind::kWhisperLogMel) {
    const int64_t padded = std::max<int64_t>(samples, options.minimum_samples);
    if (position < 0) position = -position;
    if (position >= padded) position = 2 * padded - 2 - position;
    return position < samples ? position : -1;
  }
  if (options.kind == FeatureKind::kNemoLogMel) return position >= 0 && position < samples ? position : -1;
  while (position < 0 || position >= samples) {  // Kaldi mirrors as often as a short window needs
    position = position < 0 ? -position - 1 : 2 * samples - 1 - position;
  }
  return position;
}

}  // namespace skald
