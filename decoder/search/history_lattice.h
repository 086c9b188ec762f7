#pragma once

#include <span>

#include "base/boost_table.h"
#include "decoder/graph/graph_image.h"
#include "decoder/lattice/raw_lattice.h"
#include "decoder/search/link_history.h"

namespace skald {

/// Lattice of a history that was pruned to its end: collapsed frames become single blanks again.
/// `final_costs` has one entry for each token of the last record, +infinity where no path may end;
/// `word_penalty` is added to the graph cost of arcs with a word, and what the boost automaton makes of it.
/// Sets states, arcs, first_arc and frames.
RawLattice BuildLattice(const GraphImage& graph, const LinkHistory& history,
                        std::span<const float> final_costs, float word_penalty, const BoostTable& boost);

}  // namespace skald
