#pragma once

#include <deque>

#include "frontend/segmentation/speech_detector.h"

namespace skald {

/// Takes for speech what stands out of the background: a chunk whose level, after the first difference (which
/// takes hum away), lies some decibels above the lowest of the last kFloorChunks chunks. Steady noise of any
/// level is background; music, clicks and steps are not. Costs next to nothing.
class EnergyDetector : public SpeechDetector {
 public:
  /// The background may rise, and is then known after this many chunks (4.8 s).
  static constexpr int kFloorChunks = 150;
  /// Chunks at the start of a stream that count as speech, while the background is not known (0.5 s).
  static constexpr int kUnknownChunks = 16;

  void Detect(PcmView samples, float* probabilities) override;

 private:
  float Level(PcmView chunk);

  struct Minimum {
    long chunk;
    float level;
  };
  std::deque<Minimum> minima_;  // of the last kFloorChunks, rising
  long chunks_ = 0;
  float previous_sample_ = 0;
};

}  // namespace skald
