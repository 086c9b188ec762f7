#pragma once

#include <cstdint>

#include "base/cuda/device_context.h"
#include "base/status.h"
#include "base/view.h"

namespace skald {

/// A window's samples and the rows of features that they become. Made on the host.
struct FeatureWindow {
  int64_t first_sample;
  int64_t samples;
  int64_t first_row;
  int64_t rows;
};

/// Kernels that look at a whole window at once; the host's counterparts and their formulas are in
/// frontend/features/window_norms.h. Sums are in double. Deterministic; a window's result has the same bits
/// whatever is beside it. Pointers are to device memory.

/// Shifts and scales every column of each window's features to mean 0 and standard deviation 1, in place.
Status LaunchNormaliseBins(DeviceContext context, const FeatureWindow* windows, int64_t window_count,
                           MatrixView<float> features);

/// Copies samples (float, or 16-bit integers as x / 32768) to features [rows, 1], zeros after the last one
/// and for samples above `largest_sample` in magnitude; `normalise`: to mean 0 and variance 1.
template <typename Sample>
Status LaunchWaveform(DeviceContext context, const Sample* samples, const FeatureWindow* windows,
                      int64_t window_count, float largest_sample, bool normalise, MatrixView<float> features);

}  // namespace skald
