#define SKALD_ISA_NAME "generic"
#define SKALD_KERNELS kGenericKernels
#define SKALD_LANES 4
#define SKALD_TILE_VECTORS 2
#include "models/layers/cpu/simd_kernels.inl"
