#include "frontend/segmentation/silero_kernels.h"

namespace skald::internal {

// The same source for each instruction set. Vectors wider than the set supports would be split through
// memory, hence the lane count of each.
#if defined(__x86_64__) && !defined(__clang__)

#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,fma,prefer-vector-width=512")
namespace avx512 {
#define SKALD_LANES 16
#include "frontend/segmentation/silero_kernels.inc"
#undef SKALD_LANES
}  // namespace avx512
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
#define SKALD_LANES 8
#include "frontend/segmentation/silero_kernels.inc"
#undef SKALD_LANES
}  // namespace avx2
#pragma GCC pop_options

#endif

namespace portable {
#define SKALD_LANES 4
#include "frontend/segmentation/silero_kernels.inc"
#undef SKALD_LANES
}  // namespace portable

SileroCodes UsableSileroCodes() {
  static constexpr SileroCode kPortable = {"portable", portable::Run};
  SileroCodes usable = {};
#if defined(__x86_64__) && !defined(__clang__)
  static constexpr SileroCode kAvx512 = {"avx512", avx512::Run};
  static constexpr SileroCode kAvx2 = {"avx2", avx2::Run};
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) {
    usable.codes[usable.count++] = &kAvx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) usable.codes[usable.count++] = &kAvx2;
#endif
  usable.codes[usable.count++] = &kPortable;
  return usable;
}

}  // namespace skald::internal
