#pragma once

#include "base/status.h"

namespace skald {

/// What of the sound between speech is left out.
struct SpeechGateOptions {
  /// A chunk with at least this probability is speech; smaller misses less and lets more other sound through.
  double threshold = 0.2;
  /// Seconds before speech that stay; larger is safer for soft beginnings and gives the acoustic model more
  /// context, and saves less time.
  double lead_s = 1.0;
  /// Seconds after speech that stay; likewise.
  double tail_s = 1.0;
  /// Shorter stretches are not worth leaving out [s]: each one ends a stream of the acoustic model. Larger
  /// keeps more context, and memory grows with it.
  double min_skip_s = 2.0;

  Status Validate() const;  ///< kInvalidArgument names the field that is out of range
};

}  // namespace skald
