#pragma once

#include <cstdint>

namespace skald {

/// A word that one of several systems recognised. Words are numbered alike for all systems that are combined.
struct SystemWord {
  uint32_t word = 0;  ///< 0: no word
  double start_s = 0;
  double end_s = 0;
  double confidence = 1;  ///< in [0, 1]

  bool operator==(const SystemWord&) const = default;
};

}  // namespace skald
