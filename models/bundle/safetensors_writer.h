#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "models/bundle/safetensors.h"

namespace skald {

/// A tensor to write, row-major: f32 values [product(shape)], or the bytes of another type as they are.
struct NamedTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
  TensorType type = TensorType::kF32;
  std::span<const std::byte> bytes = {};  ///< borrowed; where not empty, written instead of `values`
};

/// Writes a safetensors file, atomically; what SafetensorsFile reads. The same tensors give the same bytes.
/// Names must differ.
Status WriteSafetensors(const std::string& path, std::span<const NamedTensor> tensors);

}  // namespace skald
