#pragma once

#include "base/cuda/device_buffer.h"
#include "base/status.h"
#include "models/layers/cuda/math_handles.h"

namespace skald {

/// The libraries of one model and the workspace that its layers share. Move-only.
class MathLibraries {
 public:
  static StatusOr<MathLibraries> Create(DeviceContext context);
  /// Borrowed; valid as long as this object, also after it moved.
  MathContext context() const { return {cublas_.get(), cudnn_.get(), workspace_.data()}; }

 private:
  CublasLtHandle cublas_;
  CudnnHandle cudnn_;
  DeviceBuffer<std::byte> workspace_;
};

}  // namespace skald
