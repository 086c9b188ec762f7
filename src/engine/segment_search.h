#pragma once

#include <cstdint>
#include <optional>

#include "base/status.h"
#include "decoder/graph/graph_image.h"
#include "decoder/lattice/raw_lattice.h"
#include "decoder/search/beam_search.h"
#include "engine/endpointer.h"

namespace skald {

/// Searches segments on the CPU, one after the other. Belongs to one thread; the graph is shared.
class SegmentSearch {
 public:
  /// `boost` outlives the search; null: nothing boosted. Where the scores of several heads stand side by
  /// side, the graph's units are the columns from `first_column`.
  SegmentSearch(const GraphImage& graph, const SearchOptions& options, const BoostAutomaton* boost = nullptr,
                std::optional<int64_t> first_column = std::nullopt)
      : boost_(boost),
        first_column_(first_column),
        units_(graph.info().unit_count),
        search_(graph, options) {}

  /// The segment's lattice, frames numbered from its first. Its scores are on the host. Fails only where
  /// scores are not finite.
  StatusOr<RawLattice> Search(const ScoreSegment& segment);

 private:
  const BoostAutomaton* const boost_;
  const std::optional<int64_t> first_column_;
  const int64_t units_;
  BeamSearch search_;
};

}  // namespace skald
