#include "decoder/lattice/best_path.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "base/check.h"
#include "decoder/graph/graph_image.h"

namespace skald {
namespace {

constexpr uint32_t kNoArc = std::numeric_limits<uint32_t>::max();

auto TieKey(const RawLattice& lattice, const RawLatticeArc& arc) {
  const RawLatticeState& source = lattice.states[arc.source];
  return std::make_tuple(source.orig_state, source.boost, source.unit, arc.cell);
}

/// Pairs the k-th label with the k-th word start. `starts` are indices of units.
void AddWords(const std::vector<uint32_t>& starts, const std::vector<PathWord>& labels,
              BestPathResult* path) {
  for (size_t k = 0; k < labels.size(); ++k) {
    PathWord word = labels[k];
    if (k < starts.size()) {
      const size_t end = k + 1 < starts.size() ? starts[k + 1] : path->units.size();
      word.first_unit = starts[k];
      word.start_frame = path->units[starts[k]].start_frame;
      word.end_frame = word.start_frame;
      for (size_t u = starts[k]; u < end && (path->units[u].flags & kArcWordSeparator) == 0; ++u) {
        word.end_frame = path->units[u].end_frame;
        ++word.unit_count;
      }
    } else {
      word.first_unit = static_cast<uint32_t>(path->units.size());
      word.start_frame = word.end_frame = word.label_frame;
    }
    path->words.push_back(word);
  }
}

}  // namespace

BestPathResult DescribePath(const RawLattice& lattice, std::vector<uint32_t> arcs) {
  BestPathResult path;
  std::vector<uint32_t> starts;
  std::vector<PathWord> labels;
  uint32_t last_state = 0;
  for (const uint32_t index : arcs) {
    const RawLatticeArc& arc = lattice.arcs[index];
    const int32_t frame = lattice.states[arc.source].frame;
    path.graph_cost += arc.graph_cost;
    path.acoustic_cost += arc.acoustic_cost;
    last_state = arc.destination;
    if (arc.word != 0) {
      PathWord label;
      label.word = arc.word;
      label.label_frame = frame;
      labels.push_back(label);
    }
    if (arc.unit == 0) continue;
    if (arc.cell == kRepeatCell) {
      path.units.back().end_frame = frame + 1;
      continue;
    }
    if ((arc.flags & kArcWordStart) != 0) starts.push_back(static_cast<uint32_t>(path.units.size()));
    path.units.push_back({arc.unit, arc.flags, frame, frame + 1});
  }
  path.graph_cost += lattice.states[last_state].final_cost;
  path.cost = path.graph_cost + path.acoustic_cost;
  path.arcs = std::move(arcs);
  AddWords(starts, labels, &path);
  return path;
}

BestPathResult BestPath(const RawLattice& lattice) {
  SKALD_CHECK(!lattice.states.empty(), "a lattice without states has no path");
  std::vector<double> cost(lattice.states.size(), std::numeric_limits<double>::infinity());
  std::vector<uint32_t> best_arc(lattice.states.size(), kNoArc);
  cost[0] = 0;
  for (uint32_t index = 0; index < lattice.arcs.size(); ++index) {
    const RawLatticeArc& arc = lattice.arcs[index];
    const double through = cost[arc.source] + (double{arc.graph_cost} + double{arc.acoustic_cost});
    uint32_t& best = best_arc[arc.destination];
    if (through < cost[arc.destination] || (through == cost[arc.destination] && best != kNoArc &&
                                            TieKey(lattice, arc) < TieKey(lattice, lattice.arcs[best]))) {
      cost[arc.destination] = through;
      best = index;
    }
  }
  uint32_t last = 0;
  double best_cost = std::numeric_limits<double>::infinity();
  for (uint32_t state = 0; state < lattice.states.size(); ++state) {
    const double total = cost[state] + double{lattice.states[state].final_cost};
    if (total < best_cost) {
      best_cost = total;
      last = state;
    }
  }
  std::vector<uint32_t> arcs;
  while (best_arc[last] != kNoArc) {
    arcs.push_back(best_arc[last]);
    last = lattice.arcs[best_arc[last]].source;
  }
  std::reverse(arcs.begin(), arcs.end());
  return DescribePath(lattice, std::move(arcs));
}

}  // namespace skald
