#pragma once

#include <span>

#include "base/boost_table.h"
#include "decoder/graph/graph_image.h"
#include "decoder/lattice/raw_lattice.h"
#include "decoder/search/link_history.h"
#include "decoder/search/search_options.h"

namespace skald {

/// Ends a search: prunes what it kept to the lattice beam and makes the lattice of it, in which collapsed
/// frames are single blanks again. `costs` has the cost of each token of the history's last record,
/// `least_cost` is the least of those that are no entry states. Where no token may end, all may, and the
/// lattice is partial.
RawLattice FinishLattice(const GraphImage& graph, const SearchOptions& options, const BoostTable& boost,
                         std::span<const float> costs, float least_cost, float smallest_beam,
                         LinkHistory* history);

}  // namespace skald
