#pragma once

#include "base/status.h"
#include "decoder/graph/graph_image.h"
#include "decoder/lattice/raw_lattice.h"
#include "decoder/search/beam_search.h"
#include "engine/endpointer.h"

namespace skald {

/// Searches segments on the CPU, one after the other. Belongs to one thread; the graph is shared.
class SegmentSearch {
 public:
  /// `boost` outlives the search; null: nothing boosted.
  SegmentSearch(const GraphImage& graph, const SearchOptions& options, const BoostAutomaton* boost = nullptr)
      : boost_(boost), search_(graph, options) {}

  /// The segment's lattice, frames numbered from its first. Its scores are on the host. Fails only where
  /// scores are not finite.
  StatusOr<RawLattice> Search(const ScoreSegment& segment);

 private:
  const BoostAutomaton* const boost_;
  BeamSearch search_;
};

}  // namespace skald
