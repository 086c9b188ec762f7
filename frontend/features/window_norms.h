#pragma once

#include "base/audio.h"
#include "base/view.h"

namespace skald {

/// Shifts and scales every column of a window's features [frames, bins] to mean 0 and standard deviation 1:
/// (x - mean) / (deviation + 1e-5), the deviation with frames - 1 in its denominator (0 for one frame). Sums
/// are in double, so the result hardly depends on their order.
void NormaliseBins(MatrixView<float> features);

/// Copies a window of samples to features [frames, 1], frames at least the samples; zeros for what is no sane
/// sample (FeatureExtractor) and for frames after the last sample. `normalise`: (x - mean) / sqrt(variance +
/// 1e-7) of the samples.
void CopyWaveform(PcmView samples, bool normalise, MatrixView<float> features);

}  // namespace skald
