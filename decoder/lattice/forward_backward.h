#pragma once

#include <vector>

#include "decoder/lattice/raw_lattice.h"

namespace skald {

/// Sums over paths, as negative logarithms in f64.
struct LatticePosteriors {
  std::vector<double> forward;   ///< [states] all paths from the start to the state
  std::vector<double> backward;  ///< [states] all paths from the state to an end, its final cost included
  double total = 0;              ///< all paths
  std::vector<double> arc_posterior;  ///< [arcs] share of the paths that use the arc, in [0, 1]
};

/// Forward-backward in the log semiring over `scale` x (graph + acoustic cost). The posteriors of the arcs
/// that consume one frame sum to 1. Smaller `scale` flattens them.
LatticePosteriors ForwardBackward(const RawLattice& lattice, double scale = 1.0);

}  // namespace skald
