#include "models/layers/cpu/simd_kernels.h"

#include <cstdlib>
#include <string_view>

namespace skald {

#if defined(__x86_64__)
extern const SimdKernels kAvx512Kernels;
extern const SimdKernels kAvx2Kernels;
#endif
extern const SimdKernels kGenericKernels;

SimdKernelVariants AllCpuKernels() {
  SimdKernelVariants all = {};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    all.variants[all.count++] = &kAvx512Kernels;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    all.variants[all.count++] = &kAvx2Kernels;
#endif
  all.variants[all.count++] = &kGenericKernels;
  return all;
}

const SimdKernels& CpuKernels() {
  static const SimdKernels& chosen = []() -> const SimdKernels& {
    const SimdKernelVariants all = AllCpuKernels();
    const char* asked = std::getenv("SKALD_CPU_ISA");
    for (int i = 0; asked != nullptr && i < all.count; ++i) {
      if (std::string_view(all.variants[i]->name) == asked) return *all.variants[i];
    }
    return *all.variants[0];
  }();
  return chosen;
}

CpuFeatures DetectCpuFeatures() {
  CpuFeatures features;
#if defined(__x86_64__)
  features.avx512_bf16 = __builtin_cpu_supports("avx512bf16") > 0;
  features.avx512_vnni = __builtin_cpu_supports("avx512vnni") > 0;
#endif
  return features;
}

}  // namespace skald
