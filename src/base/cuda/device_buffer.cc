#include "base/cuda/device_buffer.h"

#include <algorithm>
#include <mutex>

namespace skald {
namespace {

std::mutex use_mutex;
DeviceMemoryUse use;

}  // namespace

DeviceMemoryUse CurrentDeviceMemoryUse() {
  std::lock_guard lock(use_mutex);
  return use;
}

namespace internal {

Status AllocateDevice(size_t bytes, const std::string& purpose, void** pointer) {
  const std::string what = "cudaMalloc of " + std::to_string(bytes) + " bytes for " + purpose;
  SKALD_RETURN_IF_ERROR(CudaStatus(cudaMalloc(pointer, bytes), what.c_str()));
  std::lock_guard lock(use_mutex);
  use.current_bytes += bytes;
  use.peak_bytes = std::max(use.peak_bytes, use.current_bytes);
  return Status::Ok();
}

void FreeDevice(void* pointer, size_t bytes) {
  (void)cudaFree(pointer);  // may fail while the process ends: there is nobody left to tell
  std::lock_guard lock(use_mutex);
  use.current_bytes -= bytes;
}

Status AllocatePinned(size_t bytes, const std::string& purpose, void** pointer) {
  const std::string what = "cudaMallocHost of " + std::to_string(bytes) + " bytes for " + purpose;
  return CudaStatus(cudaMallocHost(pointer, bytes), what.c_str());
}

void FreePinned(void* pointer, size_t) { (void)cudaFreeHost(pointer); }

}  // namespace internal
}  // namespace skald
