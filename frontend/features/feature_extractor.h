#pragma once

#include <memory>

#include "base/audio.h"
#include "base/status.h"
#include "base/view.h"
#include "frontend/features/feature_options.h"

namespace skald {

/// Filterbank features of windows of 16 kHz audio on the CPU. CudaFeatureExtractor computes the same on a
/// device. Constant after creation and thread safe. Cheap to copy: copies share their tables.
class FeatureExtractor {
 public:
  /// Fails as FeatureOptions::Validate does.
  static StatusOr<FeatureExtractor> Create(const FeatureOptions& options);

  const FeatureOptions& options() const;
  /// Frames of a window of `samples` samples; 0 for an empty one.
  int64_t FrameCount(int64_t samples) const;
  /// Values of a frame.
  int bins() const;
  double frame_shift_s() const;

  /// Features of one window, `features` [FrameCount(samples.size()), bins()] in the caller's memory.
  /// Samples that are NaN, infinite or above 32768 in magnitude (full scale is 1) count as silence, so that
  /// features are always finite. Deterministic: the same bits on every processor, and independent of anything
  /// but this window. Allocates only on the first call of a thread. 4000 and more times real time on one AVX2
  /// core.
  void Run(PcmView samples, MatrixView<float> features) const;

 private:
  struct Plan;
  explicit FeatureExtractor(std::shared_ptr<const Plan> plan) : plan_(std::move(plan)) {}
  std::shared_ptr<const Plan> plan_;
};

}  // namespace skald
