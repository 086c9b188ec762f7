#pragma once

#include <cstdint>

#include "base/results.h"
#include "decoder/graph/graph_image.h"
#include "decoder/lattice/raw_lattice.h"

namespace skald {

/// Clock of a stream: frame f begins at origin_s + f * frame_shift_s of the media's time.
struct FrameClock {
  double origin_s = 0;
  double frame_shift_s = 0;
  double Seconds(int64_t frame) const { return origin_s + static_cast<double>(frame) * frame_shift_s; }
};

/// Turns the lattice of a segment into words. Thread safe; the graph outlives it.
class SegmentDescriber {
 public:
  explicit SegmentDescriber(const GraphImage& graph) : graph_(graph) {}

  /// Words with times and confidences; a segment without words has empty text. `first_frame` is the place of
  /// the lattice's frame 0 in the stream of `clock`.
  Segment Describe(const RawLattice& lattice, int64_t first_frame, const FrameClock& clock) const;

 private:
  const GraphImage& graph_;
};

}  // namespace skald
