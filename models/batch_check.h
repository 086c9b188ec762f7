#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/view.h"
#include "models/bundle/bundle.h"

namespace skald {

/// What batches a loaded model takes and gives, the same on every device.
struct BatchShape {
  ArchitectureSizes sizes;
  std::vector<std::string> heads;
  std::vector<int> units;  ///< of each of heads
  int64_t max_batch_feature_frames = 0;

  int64_t ScoreFrames(int64_t feature_frames) const { return skald::ScoreFrames(sizes, feature_frames); }
  int feature_bins() const { return FeatureBins(sizes); }
  int64_t max_window_feature_frames() const { return MaxWindowFeatureFrames(sizes); }
  /// kInvalidArgument unless the arguments of a Run fit together and the limits.
  Status Check(FeatureView features, std::span<const int64_t> window_feature_frames,
               std::span<const MatrixView<float>> nll_per_head) const;
};

/// `heads` empty: the bundle's search head. kInvalidArgument for an unknown head, one named twice, or a batch
/// limit below 1.
StatusOr<BatchShape> MakeBatchShape(const Bundle& bundle, const std::vector<std::string>& heads,
                                    int64_t max_batch_feature_frames);

}  // namespace skald
