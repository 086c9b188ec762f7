#define SKALD_ISA_NAME "avx2"
#define SKALD_KERNELS kAvx2Kernels
#define SKALD_LANES 8
#define SKALD_TILE_VECTORS 2
#include "models/layers/cpu/simd_kernels.inl"
