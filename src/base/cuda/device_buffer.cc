#include "base/cuda/device_buffer.h"

#include "base/cuda/device_memory.h"

namespace skald {
namespace internal {

Status AllocateDevice(size_t bytes, const std::string& purpose, void** pointer) {
  const std::string what = "cudaMalloc of " + std::to_string(bytes) + " bytes for " + purpose;
  SKALD_RETURN_IF_ERROR(CudaStatus(cudaMalloc(pointer, bytes), what.c_str()));
  CountAllocation(*pointer, bytes, purpose);
  return Status::Ok();
}

void FreeDevice(void* pointer, size_t bytes) {
  CountFree(pointer, bytes);
  (void)cudaFree(pointer);  // may fail while the process ends: there is nobody left to tell
}

Status AllocatePinned(size_t bytes, const std::string& purpose, void** pointer) {
  const std::string what = "cudaMallocHost of " + std::to_string(bytes) + " bytes for " + purpose;
  return CudaStatus(cudaMallocHost(pointer, bytes), what.c_str());
}

void FreePinned(void* pointer, size_t) { (void)cudaFreeHost(pointer); }

}  // namespace internal
}  // namespace skald
