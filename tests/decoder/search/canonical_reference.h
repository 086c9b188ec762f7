#pragma once

#include "base/view.h"
#include "decoder/lattice/raw_lattice.h"
#include "decoder/search/search_options.h"
#include "test_graph.h"

namespace skald::test {

/// The canonical pruning rule of beam_search.h written down as plainly as possible: ordered maps, every arc
/// looked at, no label filter, no skipped frame, one backward pass at the end. What it returns must equal any
/// fast search by SurvivorHash. `frames_bound` counts frames in which max_active or the cap bound.
RawLattice CanonicalReference(const TestGraph& graph, ScoreView nll, const SearchOptions& options,
                              int* frames_bound = nullptr);

}  // namespace skald::test
