#include "models/layers/cuda/math_libraries.h"

namespace skald {

StatusOr<MathLibraries> MathLibraries::Create(DeviceContext context) {
  SKALD_CUDA_RETURN_IF_ERROR(cudaSetDevice(context.device));
  MathLibraries libraries;
  cublasLtHandle_t cublas = nullptr;
  SKALD_CUBLAS_RETURN_IF_ERROR(cublasLtCreate(&cublas));
  libraries.cublas_.reset(cublas);
  cudnnHandle_t cudnn = nullptr;
  SKALD_CUDNN_RETURN_IF_ERROR(cudnnCreate(&cudnn));
  libraries.cudnn_.reset(cudnn);
  SKALD_ASSIGN_OR_RETURN(libraries.workspace_,
                         DeviceBuffer<std::byte>::Create(kMathWorkspaceBytes, "library workspace"));
  return libraries;
}

}  // namespace skald
