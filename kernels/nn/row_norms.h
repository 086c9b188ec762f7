#pragma once

#include <cstdint>

#include "base/cuda/device_context.h"
#include "base/status.h"
#include "base/view.h"
#include "kernels/nn/element_type.h"

namespace skald {

/// Per row of input [rows, width] f32: (x - mean) / sqrt(variance + epsilon) * gain + bias, biased variance,
/// to output [rows, width] of `type`. `width` is even. All pointers on the device. Deterministic; a row
/// depends on itself only. Nothing is launched for 0 rows (here and below).
Status LaunchLayerNorm(DeviceContext context, const float* input, int64_t rows, int64_t width,
                       const float* gain, const float* bias, float epsilon, ElementType type, void* output);

/// x [rows, width] of `type` in place: GELU(norm(x + offset)), the norm as above; offset [width] f32.
Status LaunchLayerNormGelu(DeviceContext context, void* x, int64_t rows, int64_t width, const float* offset,
                           const float* gain, const float* bias, float epsilon, ElementType type);

/// nll [rows, units] = log(sum exp(logits)) - logits, per row; logits [rows, units] contiguous f32.
/// Deterministic.
Status LaunchNegativeLogSoftmax(DeviceContext context, const float* logits, MatrixView<float> nll);

}  // namespace skald
