#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "decoder/lattice/word_lattice.h"

namespace skald {

/// A complete path of a word lattice.
struct WordPath {
  double cost = 0;  ///< nats, graph + acoustic, final costs included
  double graph_cost = 0;
  double acoustic_cost = 0;
  std::vector<uint32_t> arcs;  ///< into WordLattice::arcs, from the start; may be empty
};

/// The `count` cheapest paths, at most `beam` nats worse than the best, by rising cost; ties go by the order
/// in which they are found, which depends on nothing but the lattice. No two have the same words. A* with the
/// exact cost of the best completion: visits only what lies on the paths returned and their neighbours. Exact
/// within the lattice's effective_beam; AlignWordPath gives the times of a path's words.
std::vector<WordPath> NBest(const WordLattice& lattice, size_t count,
                            double beam = std::numeric_limits<double>::infinity());

}  // namespace skald
