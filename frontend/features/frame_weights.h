#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/view.h"

namespace skald {

/// Says how much the frames of a stream weigh in its i-vectors, from what the network made of earlier ones.
/// One for each stream; not thread safe.
class FrameWeights {
 public:
  virtual ~FrameWeights() = default;

  /// Changes of weights, by rising frame, now that `frames` feature frames are known; every frame begins at
  /// 0. Frames behind the last one known may be among them.
  virtual std::vector<std::pair<int64_t, double>> Changes(int64_t frames) = 0;

  /// Feature frames before a chunk that Take sees, a multiple of those of a score, and after it.
  virtual int frames_before() const = 0;
  virtual int frames_after() const = 0;
  /// The next chunk's i-vector is known: `input` [frames_before() + chunk + frames_after(), features and
  /// i-vector]; what lies before the stream's first frame or behind its last one repeats it. `chunk_frames`
  /// of the chunk lie in the stream.
  virtual void Take(FeatureView input, int64_t chunk_frames) = 0;
};

}  // namespace skald
