#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/cuda/device_buffer.h"
#include "kernels/nn/element_type.h"

namespace skald {

/// Copies f32 host values to a new device buffer as elements of `type`, rounded to nearest even. Waits for
/// the copy. kInvalidArgument where a finite value is not finite in f16.
StatusOr<DeviceBuffer<std::byte>> UploadWeights(DeviceContext context, std::span<const float> values,
                                                ElementType type, const std::string& purpose);

}  // namespace skald
