#pragma once

#include <vector>

#include "base/audio.h"
#include "frontend/features/feature_options.h"

namespace skald::test {

/// Features [frames][bins] written down from the definitions, frame by frame, with a direct Fourier transform
/// in double. Shares no code with the extractors. Whisper and fbank without energy; other options as in
/// FeatureOptions.
std::vector<std::vector<double>> ReferenceFeatures(const FeatureOptions& options, PcmView samples);

}  // namespace skald::test
