#pragma once

#include <cublasLt.h>
#include <cudnn.h>

#include <memory>
#include <type_traits>

#include "base/cuda/device_context.h"
#include "base/status.h"

namespace skald {

/// Ok, or the library's error as kDeviceError (kDeviceOutOfMemory where it ran out of memory).
Status CublasStatus(cublasStatus_t status, const char* call);
Status CudnnStatus(cudnnStatus_t status, const char* call);

/// Owner of a handle or descriptor of cuBLASLt or cuDNN.
template <typename Handle, auto Destroy>
struct MathHandleDeleter {
  void operator()(Handle handle) const { Destroy(handle); }
};
template <typename Handle, auto Destroy>
using MathHandle = std::unique_ptr<std::remove_pointer_t<Handle>, MathHandleDeleter<Handle, Destroy>>;

using CublasLtHandle = MathHandle<cublasLtHandle_t, cublasLtDestroy>;
using CudnnHandle = MathHandle<cudnnHandle_t, cudnnDestroy>;

/// Workspace that the layers of one model share; they run one after the other on one stream.
inline constexpr size_t kMathWorkspaceBytes = size_t{32} << 20;

/// What a layer needs to run: libraries, workspace. Borrowed; the model owns it.
struct MathContext {
  cublasLtHandle_t cublas = nullptr;
  cudnnHandle_t cudnn = nullptr;
  void* workspace = nullptr;  ///< device, kMathWorkspaceBytes
};

}  // namespace skald

#define SKALD_CUBLAS_RETURN_IF_ERROR(call) SKALD_RETURN_IF_ERROR(::skald::CublasStatus((call), #call))
#define SKALD_CUDNN_RETURN_IF_ERROR(call) SKALD_RETURN_IF_ERROR(::skald::CudnnStatus((call), #call))
