#pragma once

#include <cstdint>

#include "base/cuda/device_context.h"
#include "base/status.h"
#include "kernels/nn/element_type.h"

namespace skald {

/// Kernels of the convolutions of a FastConformer over packed rows. All on the device and deterministic; a
/// row depends on its window only.

/// Where a row's window begins and ends among the packed rows. Made on the host.
struct RowWindow {
  int32_t first_row;
  int32_t end_row;
};

/// Gated linear unit: output [rows, width] = (a + bias_a) / (1 + exp(-(b + bias_b))) of rows [a | b] [rows, 2
/// * width] of `type`; bias [2 * width] f32.
Status LaunchGated(DeviceContext context, const void* input, int64_t rows, int64_t width, const float* bias,
                   ElementType type, void* output);

/// Depthwise convolution over time and swish: output row t = swish(bias + sum over k of weights[k] * input
/// row t + k - (taps - 1) / 2), rows outside of the window as zeros. weights [taps, width], bias [width],
/// f32; row_windows [rows].
Status LaunchDepthwiseSwish(DeviceContext context, const void* input, const RowWindow* row_windows,
                            int64_t rows, int64_t width, int taps, const float* weights, const float* bias,
                            ElementType type, void* output);

/// One stage of subsampling by 2 over time and bins with 3 x 3 taps and zeros around. input: features f32
/// [frames, bins] for one input channel (`channels_in` 1), else [frames, bins, channels] of `type`, ReLU
/// applied as it is read. output [out rows, bins / 2, channels] of `type` = bias + sum of taps. sources [out
/// rows]: the window of the input frames; centres [out rows]: the middle input frame. weights [9 (time, bin),
/// channels], bias [channels], f32.
struct SubsamplingStage {
  const void* input = nullptr;
  bool from_features = false;  ///< input is f32 features
  int64_t feature_stride = 0;  ///< of a frame of features
  int bins = 0;                ///< of the input
  int channels = 0;
  const RowWindow* windows = nullptr;
  const int32_t* centres = nullptr;
  int64_t rows = 0;  ///< of the output
  const float* weights = nullptr;
  const float* bias = nullptr;
  ElementType type = ElementType::kF32;
};
Status LaunchSubsampling(DeviceContext context, const SubsamplingStage& stage, void* output);

}  // namespace skald
