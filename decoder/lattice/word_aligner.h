#pragma once

#include <cstdint>
#include <vector>

#include "decoder/lattice/best_path.h"
#include "decoder/lattice/word_lattice.h"

namespace skald {

/// Finds the places of single words of a word lattice in the raw lattice that it was made from: where the
/// best complete path through a word's arc has it. Both lattices outlive it; for one thread. `words` has
/// links and a path.
class WordAligner {
 public:
  WordAligner(const RawLattice& raw, const WordLattice& words);

  /// The word of `arc`, an index into WordLattice::arcs, as AlignWordPath aligns it; units are left out.
  /// Takes the time of one path, none where the path of the call before holds the arc.
  PathWord Align(uint32_t arc);

 private:
  const RawLattice& raw_;
  const WordLattice& words_;
  std::vector<uint32_t> best_arc_to_, best_arc_from_;  // [nodes]
  std::vector<uint32_t> path_;                         // of the last call
  std::vector<PathWord> path_words_;
};

}  // namespace skald
