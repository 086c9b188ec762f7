#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/status.h"

namespace skald {

/// What of a device's memory serves a purpose, as its owners named it (see CudaBuffer::Create).
struct DeviceMemoryPurpose {
  int device = 0;
  std::string purpose;
  size_t current_bytes = 0;
  size_t peak_bytes = 0;
};
/// By device, then peak, largest first. Thread safe.
std::vector<DeviceMemoryPurpose> DeviceMemoryByPurpose();

/// A device as the driver describes it.
struct CudaDeviceDescription {
  std::string name;
  size_t total_bytes = 0;
  size_t free_bytes = 0;
};
StatusOr<CudaDeviceDescription> DescribeCudaDevice(int device);

namespace internal {
/// Counts what was allocated on the current device.
void CountAllocation(void* pointer, size_t bytes, const std::string& purpose);
/// Before the memory is freed.
void CountFree(void* pointer, size_t bytes);
}  // namespace internal

}  // namespace skald
