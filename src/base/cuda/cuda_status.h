#pragma once

#include <cuda_runtime_api.h>

#include "base/status.h"

namespace skald {

/// Ok, or kDeviceOutOfMemory / kDeviceError naming `call` and CUDA's own error name; clears the runtime's
/// last error.
Status CudaStatus(cudaError_t error, const char* call);

}  // namespace skald

/// Returns from the enclosing function unless the CUDA runtime call succeeds.
#define SKALD_CUDA_RETURN_IF_ERROR(call) SKALD_RETURN_IF_ERROR(::skald::CudaStatus((call), #call))

/// After every kernel launch, in release builds too.
#define SKALD_CUDA_RETURN_IF_LAUNCH_FAILED(kernel) \
  SKALD_RETURN_IF_ERROR(::skald::CudaStatus(cudaGetLastError(), "launch of " kernel))
