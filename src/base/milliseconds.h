#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace skald {

/// Seconds as whole milliseconds, rounded half away from zero; negative and non-finite times are 0. Segments
/// are ordered and written by these.
inline int64_t ToMilliseconds(double seconds) {
  // 1e12 s is beyond any medium and far inside the range of the integer.
  if (!std::isfinite(seconds) || seconds <= 0) return 0;
  return std::llround(std::min(seconds, 1e12) * 1000.0);
}

}  // namespace skald
