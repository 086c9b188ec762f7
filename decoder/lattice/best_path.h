#pragma once

#include <cstdint>
#include <vector>

#include "decoder/lattice/raw_lattice.h"

namespace skald {

/// A unit on a path with the frames that it covers, repeats included: [start_frame, end_frame).
struct PathUnit {
  uint16_t unit = 0;
  uint16_t flags = 0;  ///< ArcFlags of the arc that entered it
  int32_t start_frame = 0;
  int32_t end_frame = 0;
};

/// A word on a path: [start_frame, end_frame), from the first frame of its first unit to the end of its last
/// unit that is not a separator, repeats included.
struct PathWord {
  uint32_t word = 0;
  int32_t start_frame = 0;
  int32_t end_frame = 0;
  uint32_t first_unit = 0;  ///< into BestPathResult::units
  uint32_t unit_count = 0;  ///< separators left out
  int32_t label_frame = 0;  ///< frame of the arc that carries the word label
};

struct BestPathResult {
  double cost = 0;  ///< nats, graph + acoustic + final
  double graph_cost = 0;
  double acoustic_cost = 0;
  std::vector<uint32_t> arcs;  ///< into RawLattice::arcs, from the start
  std::vector<PathUnit> units;
  std::vector<PathWord> words;
};

/// The path of smallest cost, summed in f64; among equals the one whose last arc, then the one before, ...
/// comes from the smallest (orig_state, boost, unit, cell). Deterministic. `lattice` has at least one state.
///
/// Word labels may sit on later or earlier arcs than the words' units, because determinisation delays and
/// pushing advances them; their order is that of the words. So the k-th label belongs to the k-th arc flagged
/// kArcWordStart. A word start without a label (a partial lattice may end inside a word) yields no word; a
/// label without a start gets the empty span at its own frame.
BestPathResult BestPath(const RawLattice& lattice);

/// Units and words of the path over `arcs`, as BestPath describes them; costs as sums along it with the last
/// state's final cost.
BestPathResult DescribePath(const RawLattice& lattice, std::vector<uint32_t> arcs);

}  // namespace skald
