#include "base/cuda/cuda_status.h"

#include <string>

namespace skald {

Status CudaStatus(cudaError_t error, const char* call) {
  if (error == cudaSuccess) return Status::Ok();
  (void)cudaGetLastError();
  const StatusCode code =
      error == cudaErrorMemoryAllocation ? StatusCode::kDeviceOutOfMemory : StatusCode::kDeviceError;
  return Status(code, std::string(call) + ": " + cudaGetErrorName(error) + ", " + cudaGetErrorString(error));
}

}  // namespace skald
