#include "decoder/lattice/nbest.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <tuple>

namespace skald {
namespace {

constexpr uint32_t kNone = 0xFFFFFFFFu;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The start of a path; with `complete` all of it.
struct Prefix {
  uint32_t node;
  uint32_t arc;     ///< last one
  uint32_t before;  ///< prefix without it
  bool complete;
  double cost;
};

}  // namespace

std::vector<WordPath> NBest(const WordLattice& lattice, size_t count, double beam) {
  std::vector<double> cost_to_end(lattice.nodes.size());
  for (size_t n = lattice.nodes.size(); n-- > 0;) {
    cost_to_end[n] = lattice.nodes[n].final_cost();
    for (const WordLatticeArc& arc : lattice.arcs_of(static_cast<uint32_t>(n))) {
      cost_to_end[n] = std::min(cost_to_end[n], arc.cost() + cost_to_end[arc.destination]);
    }
  }

  std::vector<WordPath> paths;
  if (cost_to_end.empty()) return paths;
  std::vector<Prefix> prefixes;
  using Waiting = std::tuple<double, uint32_t>;
  std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> waiting;
  const auto add = [&](const Prefix& prefix, double cost_of_path) {
    if (cost_of_path == kInfinity || cost_of_path > cost_to_end[0] + beam) return;
    waiting.emplace(cost_of_path, static_cast<uint32_t>(prefixes.size()));
    prefixes.push_back(prefix);
  };
  add({0, kNone, kNone, false, 0.0}, cost_to_end[0]);
  while (!waiting.empty() && paths.size() < count) {
    const uint32_t number = std::get<1>(waiting.top());
    waiting.pop();
    const Prefix prefix = prefixes[number];
    const WordLatticeNode& node = lattice.nodes[prefix.node];
    if (!prefix.complete) {
      if (node.is_final()) add({prefix.node, kNone, number, true, 0.0}, prefix.cost + node.final_cost());
      for (uint32_t a = lattice.first_arc[prefix.node]; a < lattice.first_arc[prefix.node + 1]; ++a) {
        const WordLatticeArc& arc = lattice.arcs[a];
        const double cost = prefix.cost + arc.cost();
        add({arc.destination, a, number, false, cost}, cost + cost_to_end[arc.destination]);
      }
      continue;
    }
    WordPath path;
    path.graph_cost = node.final_graph_cost;
    path.acoustic_cost = node.final_acoustic_cost;
    for (uint32_t p = prefix.before; prefixes[p].arc != kNone; p = prefixes[p].before) {
      path.arcs.push_back(prefixes[p].arc);
    }
    std::reverse(path.arcs.begin(), path.arcs.end());
    for (const uint32_t a : path.arcs) {
      path.graph_cost += lattice.arcs[a].graph_cost;
      path.acoustic_cost += lattice.arcs[a].acoustic_cost;
    }
    path.cost = path.graph_cost + path.acoustic_cost;
    paths.push_back(std::move(path));
  }
  return paths;
}

}  // namespace skald
