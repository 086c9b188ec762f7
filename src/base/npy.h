#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace skald {

/// A NumPy array of 32-bit or 64-bit floats, or 16/32-bit integers, converted to float, in C order.
struct NpyArray {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

/// Reads a .npy file (format 1.0 to 3.0, little endian, C or Fortran order).
StatusOr<NpyArray> ReadNpy(const std::string& path);

}  // namespace skald
