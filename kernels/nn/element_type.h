#pragma once

#include <cstddef>

namespace skald {

/// Type of activations in device memory; sums and normalisation are f32 in every case.
enum class ElementType { kF32, kF16, kBf16 };

/// What a kernel applies to each element.
enum class RowActivation {
  kNone,
  kGelu,   ///< x (1 + erf(x / sqrt 2)) / 2
  kSwish,  ///< x / (1 + exp(-x))
  kRelu,
};

inline constexpr size_t ElementBytes(ElementType type) { return type == ElementType::kF32 ? 4 : 2; }

}  // namespace skald
