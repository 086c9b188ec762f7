#include "base/cuda/device_memory.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "base/cuda/cuda_status.h"
#include "base/cuda/device_context.h"

namespace skald {
namespace {

/// Where device memory went.
struct Ledger {
  struct Entry {
    size_t current_bytes = 0;
    size_t peak_bytes = 0;
    void Add(size_t bytes) {
      current_bytes += bytes;
      peak_bytes = std::max(peak_bytes, current_bytes);
    }
  };
  using Key = std::pair<int, std::string>;  // device and purpose

  std::mutex mutex;
  Entry all;
  std::map<Key, Entry> purposes;
  std::map<void*, Key> owners;
};

/// Never destroyed: buffers may outlive everything else.
Ledger& TheLedger() {
  static Ledger& ledger = *new Ledger();
  return ledger;
}

}  // namespace

DeviceMemoryUse CurrentDeviceMemoryUse() {
  Ledger& ledger = TheLedger();
  std::lock_guard lock(ledger.mutex);
  return {ledger.all.current_bytes, ledger.all.peak_bytes};
}

std::vector<DeviceMemoryPurpose> DeviceMemoryByPurpose() {
  Ledger& ledger = TheLedger();
  std::lock_guard lock(ledger.mutex);
  std::vector<DeviceMemoryPurpose> purposes;
  for (const auto& [key, entry] : ledger.purposes) {
    purposes.push_back({key.first, key.second, entry.current_bytes, entry.peak_bytes});
  }
  std::stable_sort(purposes.begin(), purposes.end(), [](const auto& a, const auto& b) {
    return a.device != b.device ? a.device < b.device : a.peak_bytes > b.peak_bytes;
  });
  return purposes;
}

StatusOr<CudaDeviceDescription> DescribeCudaDevice(int device) {
  cudaDeviceProp properties{};
  SKALD_CUDA_RETURN_IF_ERROR(cudaGetDeviceProperties(&properties, device));
  SKALD_CUDA_RETURN_IF_ERROR(cudaSetDevice(device));
  CudaDeviceDescription description;
  description.name = properties.name;
  SKALD_CUDA_RETURN_IF_ERROR(cudaMemGetInfo(&description.free_bytes, &description.total_bytes));
  return description;
}

namespace internal {

void CountAllocation(void* pointer, size_t bytes, const std::string& purpose) {
  int device = 0;
  (void)cudaGetDevice(&device);
  const Ledger::Key key(device, purpose);
  Ledger& ledger = TheLedger();
  std::lock_guard lock(ledger.mutex);
  ledger.all.Add(bytes);
  ledger.purposes[key].Add(bytes);
  ledger.owners[pointer] = key;
}

void CountFree(void* pointer, size_t bytes) {
  Ledger& ledger = TheLedger();
  std::lock_guard lock(ledger.mutex);
  const auto owner = ledger.owners.extract(pointer);
  SKALD_CHECK(!owner.empty(), "device memory freed that was not allocated here");
  ledger.purposes.at(owner.mapped()).current_bytes -= bytes;
  ledger.all.current_bytes -= bytes;
}

}  // namespace internal
}  // namespace skald
