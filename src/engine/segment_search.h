#pragma once

#include "base/status.h"
#include "decoder/graph/graph_image.h"
#include "decoder/lattice/raw_lattice.h"
#include "decoder/search/beam_search.h"
#include "engine/endpointer.h"

namespace skald {

/// Scales scores for the search: nll' = acoustic_scale * (nll + penalty), the penalty for the blank column
/// only.
struct ScoreScaling {
  float acoustic_scale = 1;
  float blank_penalty = 0;
};

/// Searches segments one after the other on the CPU. Belongs to one thread; the graph is shared.
class SegmentSearch {
 public:
  SegmentSearch(const GraphImage& graph, const SearchOptions& options, const ScoreScaling& scaling);

  /// The segment's lattice, frames numbered from its first. Scales `segment`'s scores in place. Fails only
  /// where scores are not finite.
  StatusOr<RawLattice> Search(ScoreSegment* segment);

 private:
  const ScoreScaling scaling_;
  BeamSearch search_;
};

}  // namespace skald
