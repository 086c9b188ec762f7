#pragma once

#include <cstddef>

namespace skald {

/// Type of activations in device memory; sums and normalisation are f32 in every case.
enum class ElementType { kF32, kF16, kBf16 };

inline constexpr size_t ElementBytes(ElementType type) { return type == ElementType::kF32 ? 4 : 2; }

}  // namespace skald
