#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace skald {

/// Sample rate of all audio behind the media reader.
inline constexpr int kSampleRateHz = 16000;

/// Consecutive mono samples of one audio stream. `first_sample` counts samples of kSampleRateHz from the
/// start of the media file as a player shows it, so that first_sample / kSampleRateHz is the player's time of
/// samples[0].
struct PcmBlock {
  int track = 0;               ///< index among the audio tracks of the file, from 0
  int channel = 0;             ///< channel of the track, from 0; 0 where channels are mixed
  int64_t first_sample = 0;    ///< of samples[0], on the player's clock
  std::vector<float> samples;  ///< in [-1, 1]; 16-bit input x becomes x / 32768
};

/// Borrowed mono samples at kSampleRateHz, in [-1, 1].
using PcmView = std::span<const float>;

}  // namespace skald
