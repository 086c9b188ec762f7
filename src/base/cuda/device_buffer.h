#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "base/cuda/cuda_status.h"
#include "base/cuda/device_context.h"
#include "base/status.h"

namespace skald {

namespace internal {
Status AllocateDevice(size_t bytes, const std::string& purpose, void** pointer);
void FreeDevice(void* pointer, size_t bytes);
Status AllocatePinned(size_t bytes, const std::string& purpose, void** pointer);
void FreePinned(void* pointer, size_t bytes);
}  // namespace internal

/// Owner of an array of T in device memory, or in pinned host memory. Move-only. `purpose` appears in
/// out-of-memory messages. T must be trivially copyable.
template <typename T, Status (*Allocate)(size_t, const std::string&, void**), void (*Free)(void*, size_t)>
class CudaBuffer {
 public:
  CudaBuffer() = default;
  static StatusOr<CudaBuffer> Create(size_t count, const std::string& purpose) {
    CudaBuffer buffer;
    if (count > 0) {
      void* pointer = nullptr;
      SKALD_RETURN_IF_ERROR(Allocate(count * sizeof(T), purpose, &pointer));
      buffer.data_ = static_cast<T*>(pointer);
      buffer.size_ = count;
    }
    return buffer;
  }
  CudaBuffer(CudaBuffer&& other) noexcept { *this = std::move(other); }
  CudaBuffer& operator=(CudaBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~CudaBuffer() {
    if (data_ != nullptr) Free(data_, size_ * sizeof(T));
  }

  T* data() const { return data_; }
  size_t size() const { return size_; }

  /// Queues a copy of host values to the start of the buffer. `values` must stay alive until the stream got
  /// there unless they are pageable (which the runtime stages).
  Status CopyFrom(DeviceContext context, std::span<const T> values) {
    SKALD_CHECK(values.size() <= size_, "copy larger than its destination");
    return CudaStatus(
        cudaMemcpyAsync(data_, values.data(), values.size_bytes(), cudaMemcpyDefault, context.stream),
        "cudaMemcpyAsync to device");
  }

  /// Queues a copy of the first values.size() elements to the host.
  Status CopyTo(DeviceContext context, std::span<T> values) const {
    SKALD_CHECK(values.size() <= size_, "copy larger than its source");
    return CudaStatus(
        cudaMemcpyAsync(values.data(), data_, values.size_bytes(), cudaMemcpyDefault, context.stream),
        "cudaMemcpyAsync to host");
  }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

template <typename T>
using DeviceBuffer = CudaBuffer<T, internal::AllocateDevice, internal::FreeDevice>;
template <typename T>
using PinnedBuffer = CudaBuffer<T, internal::AllocatePinned, internal::FreePinned>;

}  // namespace skald
