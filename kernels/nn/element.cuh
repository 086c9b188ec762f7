#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "base/check.h"
#include "base/cuda/cuda_status.h"
#include "kernels/nn/element_type.h"

namespace skald {

__device__ __forceinline__ float ToFloat(float x) { return x; }
__device__ __forceinline__ float ToFloat(__half x) { return __half2float(x); }
__device__ __forceinline__ float ToFloat(__nv_bfloat16 x) { return __bfloat162float(x); }

template <typename T>
__device__ __forceinline__ T FromFloat(float x);
template <>
__device__ __forceinline__ float FromFloat<float>(float x) {
  return x;
}
template <>
__device__ __forceinline__ __half FromFloat<__half>(float x) {
  return __float2half_rn(x);
}
template <>
__device__ __forceinline__ __nv_bfloat16 FromFloat<__nv_bfloat16>(float x) {
  return __float2bfloat16_rn(x);
}

/// Exact GELU, x (1 + erf(x / sqrt 2)) / 2.
__device__ __forceinline__ float Gelu(float x) { return 0.5f * x * (1.0f + erff(x * 0.70710678f)); }

/// Sum and largest of a value over the warp, the same in every lane, in a fixed order.
__device__ __forceinline__ float WarpSum(float x) {
  for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(0xffffffffu, x, step);
  return x;
}
__device__ __forceinline__ float WarpMax(float x) {
  for (int step = 16; step > 0; step /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, step));
  return x;
}

/// Calls `action` with a null pointer of the C++ type of `type`.
template <typename Action>
void WithElement(ElementType type, Action action) {
  switch (type) {
    case ElementType::kF32:
      return action(static_cast<float*>(nullptr));
    case ElementType::kF16:
      return action(static_cast<__half*>(nullptr));
    case ElementType::kBf16:
      return action(static_cast<__nv_bfloat16*>(nullptr));
  }
  SKALD_CHECK(false, "unknown element type");
}

}  // namespace skald
