#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "decoder/kws/posterior_lattice.h"

namespace skald::test {

/// A lattice whose probabilities agree: node 0 has 1, every node shares its own out among its arcs, some of
/// it to none (what was pruned). Words are 0 to `words` - 1; pauses lie between some of them.
inline PosteriorLattice RandomPosteriorLattice(size_t nodes, uint32_t words, std::mt19937_64& random) {
  PosteriorLattice lattice;
  std::uniform_real_distribution<double> weight(0.02, 1.0);
  int32_t frame = static_cast<int32_t>(random() % 20);
  for (size_t n = 0; n < nodes; ++n) {
    lattice.nodes.push_back({frame, n == 0 ? 1.0 : 0.0});
    frame += static_cast<int32_t>(random() % 25);
  }
  uint32_t best_node = 0;
  for (uint32_t n = 0; n + 1 < nodes; ++n) {
    if (lattice.nodes[n].posterior == 0) continue;
    std::vector<PosteriorLattice::Arc> arcs;
    double total = weight(random) * 0.1;
    for (size_t i = 0; i < 1 + random() % 4; ++i) {
      PosteriorLattice::Arc arc;
      arc.source = n;
      arc.destination = n + 1 + static_cast<uint32_t>(random() % std::min<size_t>(3, nodes - n - 1));
      arc.word = static_cast<uint32_t>(random() % words);
      arc.start_frame = lattice.nodes[n].frame + static_cast<int32_t>(random() % 40);
      arc.end_frame = arc.start_frame + static_cast<int32_t>(random() % 20);
      arc.conditional = weight(random);
      total += arc.conditional;
      arcs.push_back(arc);
    }
    if (n == best_node) {
      arcs[0].on_best_path = true;
      best_node = arcs[0].destination;
    }
    for (auto& arc : arcs) {
      arc.conditional /= total;
      lattice.nodes[arc.destination].posterior += lattice.nodes[n].posterior * arc.conditional;
      lattice.arcs.push_back(arc);
    }
  }
  for (auto& node : lattice.nodes) node.posterior = std::clamp(node.posterior, 1e-9, 1.0);
  return lattice;
}

/// "WA", "Wb", "WC", ...: upper and lower case in turn.
inline const std::string& WordName(uint32_t word) {
  static const std::vector<std::string> names = {"WA", "Wb", "WC", "Wd", "WE", "Wf"};
  return names[word];
}

}  // namespace skald::test
