#pragma once

#include <cstdint>

#include "base/cuda/device_context.h"
#include "base/status.h"
#include "base/view.h"
#include "kernels/nn/element_type.h"

namespace skald {

/// Kernels that move rows between packed matrices (windows one after the other) and spaced ones, in which
/// gaps of zeros keep a convolution from seeing the neighbour window. Maps are on the device, made on the
/// host for each batch. All deterministic; a row depends on its window only.

/// spaced [spaced_rows, features.columns] of `type`: row r = features row `source[r]`, zeros where source[r]
/// < 0. `source` null: every row as it is.
Status LaunchSpaceRows(DeviceContext context, FeatureView features, const int32_t* source,
                       int64_t spaced_rows, ElementType type, void* spaced);

/// x [rows, width] of `type` in place: activation(x + bias); where `source` is given, rows with source[r] < 0
/// become zeros. `bias` [width] f32.
Status LaunchBiasActivation(DeviceContext context, void* x, int64_t rows, int64_t width, const float* bias,
                            const int32_t* source, RowActivation activation, ElementType type);

/// output [rows, width] of `output_type`: row r = row source[r] of spaced, of `type`.
Status LaunchGatherRows(DeviceContext context, const void* spaced, ElementType type, const int32_t* source,
                        int64_t rows, int64_t width, ElementType output_type, void* output);

/// x [rows, width] f32 += GELU(spaced row source[r] + bias).
Status LaunchAddGelu(DeviceContext context, const void* spaced, ElementType type, const int32_t* source,
                     int64_t rows, int64_t width, const float* bias, float* x);

/// output [rows, width] f32: row r = GELU(spaced row source[r] + bias) + positions row position[r].
Status LaunchGatherWithPositions(DeviceContext context, const void* spaced, ElementType type,
                                 const int32_t* source, const int32_t* position, int64_t rows, int64_t width,
                                 const float* bias, const float* positions, float* output);

/// output [rows, width] f32: row r = mean of x rows first[r] and second[r]. output and x are different
/// memory.
Status LaunchPoolPairs(DeviceContext context, const float* x, const int32_t* first, const int32_t* second,
                       int64_t rows, int64_t width, float* output);

}  // namespace skald
