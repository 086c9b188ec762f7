#pragma once

#include "frontend/segmentation/silero_network.h"
#include "frontend/segmentation/speech_detector.h"

namespace skald {

/// A stream's way through Silero's network. The network outlives it, and so does `scratch`, which detectors
/// of one thread may share.
class SileroDetector : public SpeechDetector {
 public:
  SileroDetector(const SileroNetwork* network, SileroNetwork::Scratch* scratch)
      : network_(network), scratch_(scratch) {}

  void Detect(PcmView samples, float* probabilities) override {
    static_assert(kChunkSamples == SileroNetwork::kChunkSamples);
    network_->Run(samples, &state_, scratch_, probabilities);
  }

 private:
  const SileroNetwork* network_;
  SileroNetwork::Scratch* scratch_;
  SileroNetwork::State state_;
};

}  // namespace skald
