#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "base/status.h"

namespace skald {

/// The stream on which a caller wants work done, on which device. The first argument of everything that
/// touches a device; trivially copyable, owns nothing. Work is ordered on `stream`; callees neither create
/// streams nor wait.
struct DeviceContext {
  int device = 0;
  cudaStream_t stream = nullptr;
};

/// Number of usable CUDA devices; 0 where there is no driver.
int CudaDeviceCount();

/// Owner of a stream on a device. Move-only.
class CudaStream {
 public:
  static StatusOr<CudaStream> Create(int device);
  CudaStream(CudaStream&& other) noexcept;
  CudaStream& operator=(CudaStream&& other) noexcept;
  ~CudaStream();

  DeviceContext context() const { return {device_, stream_}; }
  /// Waits until all work queued so far is done and reports any failure of it.
  Status Synchronize() const;

 private:
  CudaStream() = default;
  int device_ = 0;
  cudaStream_t stream_ = nullptr;
};

/// Bytes of device memory owned by Skald now, and the most there ever were, by process.
struct DeviceMemoryUse {
  size_t current_bytes = 0;
  size_t peak_bytes = 0;
};
DeviceMemoryUse CurrentDeviceMemoryUse();

}  // namespace skald
