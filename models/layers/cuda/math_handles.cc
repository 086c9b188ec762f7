#include "models/layers/cuda/math_handles.h"

#include <string>

namespace skald {
namespace {

/// The call as written, up to its arguments.
std::string NameOf(const char* call) {
  const std::string text(call);
  return text.substr(0, text.find('('));
}

}  // namespace

Status CublasStatus(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return Status::Ok();
  return Status(
      status == CUBLAS_STATUS_ALLOC_FAILED ? StatusCode::kDeviceOutOfMemory : StatusCode::kDeviceError,
      NameOf(call) + ": " + cublasLtGetStatusString(status));
}

Status CudnnStatus(cudnnStatus_t status, const char* call) {
  if (status == CUDNN_STATUS_SUCCESS) return Status::Ok();
  const bool memory =
      status == CUDNN_STATUS_ALLOC_FAILED || status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
  return Status(memory ? StatusCode::kDeviceOutOfMemory : StatusCode::kDeviceError,
                NameOf(call) + ": " + cudnnGetErrorString(status));
}

}  // namespace skald
