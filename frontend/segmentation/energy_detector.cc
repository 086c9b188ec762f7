#include "frontend/segmentation/energy_detector.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace skald {
namespace {

/// Quieter than this is silence whatever the background [dB of full scale, after the first difference]: what
/// 16 bits cannot hold much of.
constexpr float kSilenceDb = -84.0f;
/// Decibels above the background at which speech is as likely as not, and by how many the odds change e-fold.
constexpr float kEvenDb = 6.0f;
constexpr float kSlopeDb = 1.0f;

}  // namespace

float EnergyDetector::Level(PcmView chunk) {
  double energy = 0;
  for (const float sample : chunk) {
    const float difference = sample - previous_sample_;
    previous_sample_ = sample;
    energy += static_cast<double>(difference) * difference;
  }
  if (!std::isfinite(energy)) {
    previous_sample_ = 0;
    return 0;
  }
  return static_cast<float>(10 * std::log10(energy / static_cast<double>(chunk.size()) + 1e-12));
}

void EnergyDetector::Detect(PcmView samples, float* probabilities) {
  for (size_t begin = 0; begin < samples.size(); begin += kChunkSamples, ++chunks_) {
    const float level = std::max(kSilenceDb, Level(samples.subspan(begin, kChunkSamples)));
    while (!minima_.empty() && minima_.back().level >= level) minima_.pop_back();
    minima_.push_back({chunks_, level});
    if (minima_.front().chunk <= chunks_ - kFloorChunks) minima_.pop_front();
    const float excess = level - minima_.front().level;
    const bool unknown = chunks_ < kUnknownChunks && level > kSilenceDb;
    *probabilities++ = unknown ? 1.0f : 1.0f / (1.0f + std::exp((kEvenDb - excess) / kSlopeDb));
  }
}

}  // namespace skald
