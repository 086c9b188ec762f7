#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/audio.h"
#include "frontend/segmentation/window_options.h"

namespace skald {

/// A piece of a stream for the acoustic model, and which of its score frames are to be kept.
struct Window {
  int64_t index = 0;             ///< 0, 1, 2, ... within the stream
  int64_t first_frame = 0;       ///< score frame of the stream at which the window starts
  int64_t keep_first_frame = 0;  ///< first frame to keep, counted in the stream
  int64_t keep_end_frame = 0;    ///< one past the last frame to keep; for the last window: to its end
  bool last = false;             ///< keep everything from keep_first_frame on
  std::vector<float> samples;
};

/// Cuts a stream that arrives in pieces into windows; holds at most one window of samples. The kept frames of
/// consecutive windows join without gap or overlap, and the cut depends only on the samples, not on how they
/// arrived. Not thread safe.
class WindowCutter {
 public:
  explicit WindowCutter(const WindowOptions& options);

  /// Appends samples; returns the windows that became complete.
  std::vector<Window> Push(PcmView samples);

  /// The stream ended: the last window; nothing where the stream had no samples.
  std::optional<Window> Finish();

 private:
  Window Cut(bool last);

  int64_t window_samples_, context_frames_, hop_frames_, frame_shift_samples_;
  int64_t index_ = 0;
  std::vector<float> pending_;
};

}  // namespace skald
