#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/audio.h"
#include "base/status.h"
#include "frontend/features/feature_extractor.h"
#include "frontend/features/ivector_stream.h"
#include "models/bundle/bundle.h"

namespace skald {

/// Makes the i-vectors of streams for a model that takes them. Immutable; thread safe.
struct IvectorSource {
  std::shared_ptr<const IvectorModel> model;
  FeatureExtractor extractor;

  /// `weights` null: all frames weigh 1.
  std::unique_ptr<IvectorStream> NewStream(std::unique_ptr<FrameWeights> weights = nullptr) const;
  /// Frames behind a window for which it has i-vectors too: what the network looks at behind the last frame
  /// repeats its features, but not its i-vector.
  int64_t frames_behind() const { return model->options().right_context; }
  /// Rows of a window of so many samples: its frames and those behind it; none where it has no frame.
  int64_t RowCount(size_t samples) const;
  /// [RowCount(samples), i-vector size] for a window of `samples` samples from `first_sample`
  /// of the stream on, which begins at a frame. Windows are asked for in order of time: what lies before is
  /// forgotten.
  std::vector<float> OfWindow(IvectorStream* stream, int64_t first_sample, size_t samples) const;
  /// The same for a window that is a stream of its own.
  std::vector<float> OfWindowAlone(PcmView window) const;
};

/// The i-vectors that a bundle's model takes; null where it takes none. `extractor` computes the bundle's
/// features. Verifies the file it reads; kCorrupt naming file and tensor.
StatusOr<std::shared_ptr<const IvectorSource>> IvectorSourceOfBundle(const Bundle& bundle,
                                                                     const FeatureExtractor& extractor);

}  // namespace skald
