#pragma once

#include <cstdint>

#include "base/status.h"

namespace skald {

/// How a stream is cut into the overlapping windows that the acoustic model sees.
struct WindowOptions {
  /// Length of a window [s]; longer gives the model more context and costs quadratically in its attention.
  double window_s = 30.0;
  /// Seconds at each inner edge of a window whose scores are thrown away; larger is closer to seeing the
  /// whole stream at once, and costs 2 * context_s / window_s of the model's time.
  double context_s = 3.0;
  /// Samples per score frame: windows start on multiples of it, so that all frames of a stream lie on one
  /// grid.
  int64_t frame_shift_samples = 320;

  Status Validate() const;  ///< kInvalidArgument names the field that is out of range
};

}  // namespace skald
