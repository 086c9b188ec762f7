#pragma once

#include "decoder/lattice/raw_lattice.h"
#include "decoder/lattice/word_lattice.h"

namespace skald {

/// A step between the word lattice of a segment and what is read from it: gives paths other costs, e.g. those
/// of a larger language model. Thread safe.
class LatticeRescorer {
 public:
  virtual ~LatticeRescorer() = default;

  /// `words` is DeterminizeWords of `raw`. Returns a word lattice that keeps that type's promises:
  /// deterministic, topologically sorted, arcs sorted by word, links into `raw` (a node that is split keeps
  /// the elements of the node that it was, an arc its links), so that AlignWordPath finds times. Costs and
  /// nodes may differ, words may be lost, none may be added.
  virtual WordLattice Rescore(const RawLattice& raw, WordLattice words) const = 0;
};

}  // namespace skald
