#pragma once

namespace skald {

/// Integer whose order as a signed number is the order of the floats (no NaN), so that integer maxima, also
/// atomic ones, are maxima of floats.
__device__ __forceinline__ int OrderedFromFloat(float value) {
  const int bits = __float_as_int(value);
  return bits >= 0 ? bits : bits ^ 0x7fffffff;
}

/// The inverse.
__device__ __forceinline__ float FloatFromOrdered(int key) {
  return __int_as_float(key >= 0 ? key : key ^ 0x7fffffff);
}

}  // namespace skald
