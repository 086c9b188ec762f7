#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/cuda/device_buffer.h"
#include "kernels/nn/element_type.h"
#include "models/layers/weights.h"

namespace skald {

/// Copies f32 host values to a new device buffer as elements of `type`, rounded to nearest even. Waits for
/// the copy. kInvalidArgument where a finite value is not finite in f16.
StatusOr<DeviceBuffer<std::byte>> UploadWeights(DeviceContext context, std::span<const float> values,
                                                ElementType type, const std::string& purpose);

/// Gain and bias of a normalisation, f32 on the device.
struct DeviceNorm {
  DeviceBuffer<std::byte> gain_bytes, bias_bytes;
  const float* gain() const { return reinterpret_cast<const float*>(gain_bytes.data()); }
  const float* bias() const { return reinterpret_cast<const float*>(bias_bytes.data()); }
};
/// Waits for the upload.
StatusOr<DeviceNorm> UploadNorm(DeviceContext context, const NormWeights& norm);

}  // namespace skald
