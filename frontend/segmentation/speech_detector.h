#pragma once

#include "base/audio.h"

namespace skald {

/// Tells how likely somebody speaks in each chunk of one stream, in order. One detector a stream; one thread
/// at a time. The answers depend on the samples only, not on how they are split over calls.
class SpeechDetector {
 public:
  static constexpr int kChunkSamples = 512;  ///< 32 ms

  virtual ~SpeechDetector() = default;

  /// Probabilities [chunks] of speech in the stream's next chunks, samples [chunks * kChunkSamples].
  virtual void Detect(PcmView samples, float* probabilities) = 0;
};

}  // namespace skald
