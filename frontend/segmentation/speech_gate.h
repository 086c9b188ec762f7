#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/audio.h"
#include "frontend/segmentation/speech_detector.h"
#include "frontend/segmentation/speech_gate_options.h"

namespace skald {

/// Leaves long stretches without speech out of a stream. What stays is passed on unchanged and in order; at
/// most lead_s + min_skip_s and one call's samples are held back. What is left out depends on the samples
/// only, not on how they are split over calls. Not thread safe.
class SpeechGate {
 public:
  /// Samples of the stream from `first_sample` on, counted from the stream's start. They follow what was
  /// passed before, or something was left out between.
  using Pass = std::function<void(int64_t first_sample, PcmView samples)>;

  SpeechGate(const SpeechGateOptions& options, std::unique_ptr<SpeechDetector> detector, Pass pass);

  void Push(PcmView samples);
  /// The stream ended: passes what is left. No Push after it.
  void Finish();
  /// Samples that are neither passed nor left out yet.
  int64_t held_samples() const { return end_sample() - first_sample_; }
  /// Seconds that the detector took.
  double detect_s() const { return detect_s_; }

 private:
  int64_t end_sample() const;
  PcmView Held(int64_t begin, int64_t end) const;
  void Judge(PcmView chunks);
  void EndGap(int64_t end);
  void PassTo(int64_t end);
  void DropTo(int64_t end);

  const float threshold_;
  const int64_t lead_, tail_, min_skip_;  // samples
  std::unique_ptr<SpeechDetector> detector_;
  Pass pass_;

  // Samples of the stream from first_sample_ on, neither passed nor left out; in held_ from held_begin_ on.
  std::vector<float> held_;
  size_t held_begin_ = 0;
  int64_t first_sample_ = 0;
  int64_t judged_ = 0;      // end of the chunks that the detector saw
  int64_t keep_until_ = 0;  // end of the last speech and of what stays after it
  std::vector<float> probabilities_;
  double detect_s_ = 0;
};

}  // namespace skald
