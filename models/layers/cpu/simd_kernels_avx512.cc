#define SKALD_ISA_NAME "avx512"
#define SKALD_KERNELS kAvx512Kernels
#define SKALD_LANES 16
#define SKALD_TILE_VECTORS 4
#include "models/layers/cpu/simd_kernels.inl"
