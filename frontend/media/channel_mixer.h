#pragma once

#include <vector>

struct AVFrame;

namespace skald {

/// Mono streams of one length: [lanes][samples].
using Lanes = std::vector<std::vector<float>>;

/// Converts a decoded frame of any sample format to floats: one lane with the equal-weight mean of the
/// channels, or one lane per channel. An integer x of b bits becomes x / 2^(b-1), exactly where float holds
/// it; NaN and infinity become 0. `lanes` keeps its memory between calls. False where the sample format is
/// unknown.
bool MixChannels(const AVFrame& frame, bool split_channels, Lanes* lanes);

}  // namespace skald
