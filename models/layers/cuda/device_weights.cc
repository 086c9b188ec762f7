#include "models/layers/cuda/device_weights.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cmath>
#include <cstring>
#include <vector>

namespace skald {

StatusOr<DeviceBuffer<std::byte>> UploadWeights(DeviceContext context, std::span<const float> values,
                                                ElementType type, const std::string& purpose) {
  std::vector<std::byte> bytes(values.size() * ElementBytes(type));
  for (size_t i = 0; i < values.size(); ++i) {
    if (type == ElementType::kF32) {
      std::memcpy(bytes.data() + 4 * i, &values[i], 4);
    } else if (type == ElementType::kF16) {
      if (std::abs(values[i]) > 65504.0f)
        return Status::InvalidArgument(purpose + ": a value is too large for f16");
      const __half half = __float2half_rn(values[i]);
      std::memcpy(bytes.data() + 2 * i, &half, 2);
    } else {
      const __nv_bfloat16 half = __float2bfloat16_rn(values[i]);
      std::memcpy(bytes.data() + 2 * i, &half, 2);
    }
  }
  SKALD_ASSIGN_OR_RETURN(DeviceBuffer<std::byte> buffer,
                         DeviceBuffer<std::byte>::Create(bytes.size(), purpose));
  SKALD_RETURN_IF_ERROR(buffer.CopyFrom(context, bytes));
  SKALD_CUDA_RETURN_IF_ERROR(cudaStreamSynchronize(context.stream));
  return buffer;
}

StatusOr<DeviceNorm> UploadNorm(DeviceContext context, const NormWeights& norm) {
  DeviceNorm uploaded;
  SKALD_ASSIGN_OR_RETURN(uploaded.gain_bytes, UploadWeights(context, norm.gain, ElementType::kF32, "norm"));
  SKALD_ASSIGN_OR_RETURN(uploaded.bias_bytes, UploadWeights(context, norm.bias, ElementType::kF32, "norm"));
  return uploaded;
}

}  // namespace skald
