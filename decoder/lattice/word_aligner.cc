#include "decoder/lattice/word_aligner.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace skald {
namespace {

constexpr uint32_t kNoArc = 0xFFFFFFFFu;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

WordAligner::WordAligner(const RawLattice& raw, const WordLattice& words)
    : raw_(raw),
      words_(words),
      best_arc_to_(words.nodes.size(), kNoArc),
      best_arc_from_(words.nodes.size(), kNoArc) {
  std::vector<double> cost(words.nodes.size(), kInfinity);
  if (!cost.empty()) cost[0] = 0;
  for (uint32_t a = 0; a < words.arcs.size(); ++a) {
    const WordLatticeArc& arc = words.arcs[a];
    const double through = cost[arc.source] + arc.cost();
    if (through >= cost[arc.destination]) continue;
    cost[arc.destination] = through;
    best_arc_to_[arc.destination] = a;
  }
  for (size_t n = words.nodes.size(); n-- > 0;) {
    cost[n] = words.nodes[n].final_cost();
    for (uint32_t a = words.first_arc[n]; a < words.first_arc[n + 1]; ++a) {
      const double through = words.arcs[a].cost() + cost[words.arcs[a].destination];
      if (through >= cost[n]) continue;
      cost[n] = through;
      best_arc_from_[n] = a;
    }
  }
}

PathWord WordAligner::Align(uint32_t arc) {
  auto place = std::find(path_.begin(), path_.end(), arc);
  if (place == path_.end()) {
    path_ = {arc};
    for (uint32_t a; (a = best_arc_to_[words_.arcs[path_.back()].source]) != kNoArc;) path_.push_back(a);
    std::reverse(path_.begin(), path_.end());
    for (uint32_t a; (a = best_arc_from_[words_.arcs[path_.back()].destination]) != kNoArc;)
      path_.push_back(a);
    path_words_ = AlignWordPath(raw_, words_, path_).words;
    SKALD_CHECK(path_words_.size() == path_.size(), "every arc of a word lattice has one word");
    place = std::find(path_.begin(), path_.end(), arc);
  }
  return path_words_[static_cast<size_t>(place - path_.begin())];
}

}  // namespace skald
