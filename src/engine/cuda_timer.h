#pragma once

#include <utility>

#include "base/cuda/cuda_status.h"
#include "base/cuda/device_context.h"

namespace skald {

/// Owner of an event that takes times and that other streams can wait for. Move-only.
class CudaTimer {
 public:
  CudaTimer() = default;
  static StatusOr<CudaTimer> Create() {
    CudaTimer timer;
    SKALD_CUDA_RETURN_IF_ERROR(cudaEventCreate(&timer.event_));
    return timer;
  }
  CudaTimer(CudaTimer&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  CudaTimer& operator=(CudaTimer&& other) noexcept {
    std::swap(event_, other.event_);
    return *this;
  }
  ~CudaTimer() {
    if (event_ != nullptr) (void)cudaEventDestroy(event_);
  }

  Status Record(DeviceContext context) {
    return CudaStatus(cudaEventRecord(event_, context.stream), "cudaEventRecord");
  }
  /// Work queued on `context` from now on starts after the event.
  Status Precede(DeviceContext context) const {
    return CudaStatus(cudaStreamWaitEvent(context.stream, event_, 0), "cudaStreamWaitEvent");
  }
  /// Waits on the host, and fails with what failed on the device before.
  Status Synchronize() const { return CudaStatus(cudaEventSynchronize(event_), "cudaEventSynchronize"); }
  /// Seconds from an earlier event to this one; both have happened.
  double SecondsSince(const CudaTimer& earlier) const {
    float milliseconds = 0;
    return cudaEventElapsedTime(&milliseconds, earlier.event_, event_) == cudaSuccess ? milliseconds / 1e3
                                                                                      : 0;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace skald
