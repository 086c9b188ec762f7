#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace skald {

/// Cells that stand for the arcs of the CTC topology, which no graph cell holds.
inline constexpr uint32_t kBlankCell = 0xFFFFFFFFu;   ///< blank: (q, u) -> (q, 0)
inline constexpr uint32_t kRepeatCell = 0xFFFFFFFEu;  ///< repeat of the last unit: (q, u) -> (q, u)
inline constexpr uint32_t kEntryCell =
    0xFFFFFFFDu;  ///< entry state -> state of the same (q, u), no score, no cost

/// A search state that lies on a path within the lattice beam. A graph state with epsilon arcs has two
/// lattice states: the entry state, which graph arcs lead to and epsilon arcs leave, and the state proper,
/// which blanks and repeats stay in. So an epsilon arc is taken in the frame in which its state was entered,
/// never later, and every pair of a graph path and an alignment is one lattice path, not one for each frame
/// in which the epsilon arc could be taken.
struct RawLatticeState {
  int32_t frame = 0;        ///< score rows consumed before this state
  uint32_t orig_state = 0;  ///< number of the graph state
  uint32_t block = 0;       ///< its block in the graph image
  uint16_t unit = 0;        ///< last emitted unit; 0 after a blank and at the start
  uint16_t boost = 0;       ///< state of the boost automaton
  bool entry = false;
  float final_cost = std::numeric_limits<float>::infinity();  ///< nats; +infinity where no path may end
};

/// An arc: a graph arc (`cell` is its place in the image) or an arc of the CTC topology (k*Cell). Arcs with a
/// unit and blanks consume the score row number states[source].frame; entry arcs and epsilon arcs consume
/// none.
struct RawLatticeArc {
  uint32_t source = 0;
  uint32_t destination = 0;
  uint32_t cell = 0;
  uint32_t word = 0;        ///< index into the graph's word table; 0 = none
  uint16_t unit = 0;        ///< score column read; 0 for blanks, and for arcs that read none
  uint16_t flags = 0;       ///< ArcFlags of the graph arc
  float graph_cost = 0;     ///< nats, word penalty and boosts included
  float acoustic_cost = 0;  ///< nats, as handed to the search; 0 for arcs that read no score
};

/// State-level lattice of one stream: every path whose cost is within `lattice_beam` of the best one and that
/// the search kept. State 0 is the start. States are in topological order: by frame, in it entry states by
/// epsilon rank, then the others; at equal place by (orig_state, boost, unit). Arcs are sorted by
/// (source, destination, cell).
struct RawLattice {
  std::vector<RawLatticeState> states;
  std::vector<RawLatticeArc> arcs;
  std::vector<uint32_t> first_arc;  ///< arcs of state s: first_arc[s] to first_arc[s + 1]
  int64_t frames = 0;
  /// No final state was reached: every state of the last frame counts as final at cost 0, the last word may
  /// be cut.
  bool partial = false;
  float lattice_beam = 0;  ///< the beam that the lattice was pruned to
  float smallest_beam =
      0;  ///< smallest beam of any frame: below SearchOptions::beam where max_active or the cap bound

  std::span<const RawLatticeArc> arcs_of(uint32_t state) const {
    return std::span(arcs).subspan(first_arc[state], first_arc[state + 1] - first_arc[state]);
  }
  bool consumes_frame(const RawLatticeArc& arc) const {
    return states[arc.destination].frame != states[arc.source].frame;
  }
};

/// 64-bit hash of what the search kept: of every arc the frame, both states (graph state, boost, unit,
/// entry), unit, word and the bits of both costs; of every final state its cost. Independent of cell numbers
/// and of the order of states and arcs. Where `state_names` is given, state_names[orig_state] takes the place
/// of orig_state, so that lattices from graphs with permuted states compare.
uint64_t SurvivorHash(const RawLattice& lattice, std::span<const uint32_t> state_names = {});

}  // namespace skald
