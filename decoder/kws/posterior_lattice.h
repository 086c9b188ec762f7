#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "decoder/lattice/word_lattice.h"

namespace skald {

/// What may have been said in one utterance, with probabilities: an acyclic graph of words. The probability
/// of a chain of arcs a1, a2, ... (each starting where the one before ends) is
///
///     nodes[a1.source].posterior * a1.conditional * a2.conditional * ...
///
/// and the expected count of a phrase is the sum over its chains. Nodes are in topological order, arcs sorted
/// by source. A value.
struct PosteriorLattice {
  struct Node {
    int32_t frame = 0;     ///< of the word boundary
    double posterior = 0;  ///< share of the probability that passes here, in (0, 1]
  };
  struct Arc {
    uint32_t source = 0;
    uint32_t destination = 0;
    uint32_t word = 0;
    int32_t start_frame = 0;  ///< [start_frame, end_frame)
    int32_t end_frame = 0;
    double conditional = 0;     ///< of the arc given its source, in (0, 1]
    bool on_best_path = false;  ///< the arcs with this flag are the likeliest transcript, in order

    bool operator==(const Arc&) const = default;
  };
  std::vector<Node> nodes;
  std::vector<Arc> arcs;

  double posterior(const Arc& arc) const { return nodes[arc.source].posterior * arc.conditional; }
};

struct PosteriorLatticeOptions {
  /// Paths weigh exp(-scale * cost). Smaller: flatter posteriors, more alternatives above the floor. The
  /// default gave the best keyword search on the tuning speakers (docs/measurements.md).
  double scale = 0.7;
  /// Arcs with less posterior than this are left out. Smaller: more can be found, the index grows.
  double floor = 1e-3;

  Status Validate() const;
};

/// Forward-backward in the log semiring, in f64. Keeps the arcs with a posterior of at least the floor, and
/// those of the best path whatever theirs is. A chain of words whose probability is at least the floor is
/// there with exactly that probability. Nodes with the same future (same words, times and probabilities to
/// within `merge_tolerance` nats) are one node. Deterministic.
PosteriorLattice MakePosteriorLattice(const WordLattice& lattice, const PosteriorLatticeOptions& options = {},
                                      double merge_tolerance = 0);

}  // namespace skald
