#pragma once

#include <cmath>

namespace skald {

/// Greatest of and sum over `kLanes` neighbours in a warp, a power of two; all of the warp call.
template <int kLanes>
__device__ __forceinline__ float LanesMax(float x) {
#pragma unroll
  for (int step = 1; step < kLanes; step *= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, step));
  return x;
}
template <int kLanes>
__device__ __forceinline__ float LanesSum(float x) {
#pragma unroll
  for (int step = 1; step < kLanes; step *= 2) x += __shfl_xor_sync(0xffffffffu, x, step);
  return x;
}

/// Softmax of a query over keys that come tile by tile, in one pass (Milakov and Gimelshein 2018): weights
/// are relative to the greatest score so far, and what was summed before shrinks when that rises. `kLanes`
/// neighbours share the query; lane l has keys l, l + kLanes, ... of a tile.
template <int kLanes, int kKeysPerLane>
struct OnlineSoftmax {
  float largest = -INFINITY;
  float total = 0;

  /// Turns this lane's scores of a tile, of which keys from `end` on do not count, into weights [keys of the
  /// tile]. At least one key counts. Returns what sums of earlier tiles have to be multiplied by.
  __device__ __forceinline__ float Add(float (&scores)[kKeysPerLane], int lane, int end, float* weights) {
    float tile_largest = largest;
#pragma unroll
    for (int k = 0; k < kKeysPerLane; ++k) {
      if (lane + k * kLanes >= end) scores[k] = -INFINITY;
      tile_largest = fmaxf(tile_largest, scores[k]);
    }
    tile_largest = LanesMax<kLanes>(tile_largest);
    const float shrink = expf(largest - tile_largest);
    float tile_total = 0;
#pragma unroll
    for (int k = 0; k < kKeysPerLane; ++k) {
      const float weight = expf(scores[k] - tile_largest);
      weights[lane + k * kLanes] = weight;
      tile_total += weight;
    }
    total = fmaf(total, shrink, LanesSum<kLanes>(tile_total));
    largest = tile_largest;
    return shrink;
  }
};

}  // namespace skald
