#include "base/cuda/device_context.h"

#include <utility>

#include "base/cuda/cuda_status.h"

namespace skald {

int CudaDeviceCount() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    (void)cudaGetLastError();
    return 0;
  }
  return count;
}

StatusOr<CudaStream> CudaStream::Create(int device) {
  SKALD_CUDA_RETURN_IF_ERROR(cudaSetDevice(device));
  CudaStream stream;
  stream.device_ = device;
  SKALD_CUDA_RETURN_IF_ERROR(cudaStreamCreateWithFlags(&stream.stream_, cudaStreamNonBlocking));
  return stream;
}

CudaStream::CudaStream(CudaStream&& other) noexcept { *this = std::move(other); }

CudaStream& CudaStream::operator=(CudaStream&& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(stream_, other.stream_);
  return *this;
}

CudaStream::~CudaStream() {
  if (stream_ != nullptr) (void)cudaStreamDestroy(stream_);
}

Status CudaStream::Synchronize() const {
  return CudaStatus(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
}

}  // namespace skald
