#pragma once

#include <algorithm>
#include <numeric>
#include <random>
#include <tuple>
#include <utility>

#include "decoder/graph/graph_image.h"
#include "decoder/lattice/raw_lattice.h"

namespace skald::test {

/// Writes lattices by hand: states in topological order, arcs in any.
class LatticeBuilder {
 public:
  /// `unit` is the last emitted unit of the state.
  uint32_t State(int32_t frame, uint16_t unit = 0) {
    RawLatticeState state;
    state.frame = frame;
    state.unit = unit;
    state.orig_state = static_cast<uint32_t>(lattice_.states.size());
    lattice_.states.push_back(state);
    return state.orig_state;
  }
  void Final(uint32_t state, float cost = 0) { lattice_.states[state].final_cost = cost; }
  void Blank(uint32_t source, uint32_t destination, float cost = 0) {
    lattice_.arcs.push_back({source, destination, kBlankCell, 0, 0, 0, 0, cost});
  }
  void Repeat(uint32_t source, uint32_t destination, float cost = 0) {
    lattice_.arcs.push_back(
        {source, destination, kRepeatCell, 0, lattice_.states[destination].unit, 0, 0, cost});
  }
  /// A graph arc that emits the destination's unit where it consumes a frame, an epsilon arc otherwise.
  void Arc(uint32_t source, uint32_t destination, uint32_t word = 0, uint16_t flags = 0, float graph_cost = 0,
           float acoustic_cost = 0) {
    const RawLatticeState& to = lattice_.states[destination];
    const bool consumes = to.frame != lattice_.states[source].frame;
    lattice_.arcs.push_back({source, destination, next_cell_++, word, consumes ? to.unit : uint16_t{0}, flags,
                             graph_cost, acoustic_cost});
  }
  RawLattice Build() {
    std::sort(lattice_.arcs.begin(), lattice_.arcs.end(), [](const RawLatticeArc& a, const RawLatticeArc& b) {
      return std::tie(a.source, a.destination, a.cell) < std::tie(b.source, b.destination, b.cell);
    });
    lattice_.first_arc.assign(lattice_.states.size() + 1, 0);
    for (const RawLatticeArc& arc : lattice_.arcs) ++lattice_.first_arc[arc.source + 1];
    std::partial_sum(lattice_.first_arc.begin(), lattice_.first_arc.end(), lattice_.first_arc.begin());
    lattice_.frames = lattice_.states.back().frame;
    return lattice_;
  }

 private:
  RawLattice lattice_;
  uint32_t next_cell_ = 1;
};

/// Random connected lattice of `frames` frames with `width` states in each: words 1..3 on a third of the
/// arcs, epsilon arcs inside frames.
inline RawLattice RandomLattice(int frames, int width, std::mt19937_64& random) {
  LatticeBuilder builder;
  std::uniform_real_distribution<float> cost(0.0f, 4.0f);
  std::vector<uint32_t> before = {builder.State(0)}, here;
  for (int t = 1; t <= frames; ++t, before.swap(here)) {
    here.clear();
    for (int i = 0; i < width; ++i) here.push_back(builder.State(t, static_cast<uint16_t>(1 + i)));
    for (const uint32_t source : before) {
      for (const uint32_t destination : here) {
        if (random() % 3 == 0 && destination != here[0]) continue;
        builder.Arc(source, destination, random() % 3 == 0 ? 1 + random() % 3 : 0, 0, cost(random),
                    cost(random));
      }
    }
    for (size_t i = 0; i + 1 < here.size(); ++i) {
      if (random() % 3 == 0) builder.Arc(here[i], here[i + 1], 0, 0, cost(random));
    }
  }
  for (const uint32_t state : before) builder.Final(state, cost(random));
  return builder.Build();
}

}  // namespace skald::test
