#pragma once

#include "base/results.h"
#include "base/status.h"
#include "decoder/graph/graph_image.h"
#include "decoder/search/beam_search.h"
#include "engine/endpointer.h"

namespace skald {

/// Scales scores for the search: nll' = acoustic_scale * (nll + penalty), the penalty for the blank column
/// only.
struct ScoreScaling {
  float acoustic_scale = 1;
  float blank_penalty = 0;
};

/// Clock of a stream: frame f begins at origin_s + f * frame_shift_s of the media's time.
struct FrameClock {
  double origin_s = 0;
  double frame_shift_s = 0;
  double Seconds(int64_t frame) const { return origin_s + static_cast<double>(frame) * frame_shift_s; }
};

/// Searches segments one after the other. Belongs to one thread; the graph is shared.
class SegmentDecoder {
 public:
  SegmentDecoder(const GraphImage& graph, const SearchOptions& options, const ScoreScaling& scaling);

  /// Words with times and confidences; a segment without words has empty text. Scales `segment`'s scores in
  /// place. Fails only where scores are not finite.
  StatusOr<Segment> Decode(ScoreSegment* segment, const FrameClock& clock);

 private:
  const GraphImage& graph_;
  const ScoreScaling scaling_;
  BeamSearch search_;
};

}  // namespace skald
