#pragma once

#include <cmath>
#include <gtest/gtest.h>
#include <utility>

#include "decoder/search/beam_search.h"

namespace skald::test {

/// Nothing is left out of the search or the lattice.
inline SearchOptions Unpruned() {
  SearchOptions options;
  options.beam = INFINITY;
  options.lattice_beam = INFINITY;
  options.max_active = 1 << 30;
  options.max_arcs_per_frame = int64_t{1} << 40;
  return options;
}

/// Runs one stream, `chunk` rows at a time (0: all at once); fails the test on an error. `boost` may be null.
inline RawLattice Search(const GraphImage& graph, ScoreView nll, const SearchOptions& options,
                         int64_t chunk = 0, SearchStatistics* statistics = nullptr,
                         const BoostAutomaton* boost = nullptr) {
  BeamSearch search(graph, options);
  search.Begin(boost);
  if (chunk <= 0) chunk = nll.rows;
  for (int64_t first = 0; first < nll.rows; first += chunk) {
    const Status status = search.Advance(nll.Rows(first, std::min(chunk, nll.rows - first)));
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  if (statistics != nullptr) *statistics = search.statistics();
  StatusOr<RawLattice> lattice = search.Finish();
  EXPECT_TRUE(lattice.ok()) << lattice.status().ToString();
  return std::move(lattice).value();
}

}  // namespace skald::test
