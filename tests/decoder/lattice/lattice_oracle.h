#pragma once

#include <functional>
#include <map>
#include <random>
#include <vector>

#include "decoder/lattice/best_path.h"
#include "decoder/lattice/word_lattice.h"
#include "decoder/search/search_options.h"
#include "test_graph.h"

namespace skald::test {

using WordString = std::vector<uint32_t>;

struct Alignment {
  double cost = INFINITY;
  double graph_cost = 0;
  std::vector<uint32_t> arcs;
  double probability = 0;  ///< sum of exp(-cost) over all alignments
};

/// Every word string of a raw lattice with its best alignment, by walking all paths. Exponential.
inline std::map<WordString, Alignment> EnumerateStrings(const RawLattice& lattice) {
  std::map<WordString, Alignment> result;
  WordString words;
  std::vector<uint32_t> arcs;
  std::function<void(uint32_t, double, double)> walk = [&](uint32_t state, double cost, double graph) {
    const double final_cost = lattice.states[state].final_cost;
    if (final_cost < INFINITY) {
      Alignment& best = result[words];
      best.probability += std::exp(-(cost + final_cost));
      if (cost + final_cost < best.cost) {
        best.cost = cost + final_cost;
        best.graph_cost = graph + final_cost;
        best.arcs = arcs;
      }
    }
    for (uint32_t a = lattice.first_arc[state]; a < lattice.first_arc[state + 1]; ++a) {
      const RawLatticeArc& arc = lattice.arcs[a];
      if (arc.word != 0) words.push_back(arc.word);
      arcs.push_back(a);
      walk(arc.destination, cost + double{arc.graph_cost} + double{arc.acoustic_cost},
           graph + double{arc.graph_cost});
      arcs.pop_back();
      if (arc.word != 0) words.pop_back();
    }
  };
  walk(0, 0.0, 0.0);
  return result;
}

struct EnumeratedPath {
  WordString words;
  double cost = 0;
  double graph_cost = 0;
  std::vector<uint32_t> arcs;
};

/// Every path of a word lattice.
inline std::vector<EnumeratedPath> EnumerateWordPaths(const WordLattice& lattice) {
  std::vector<EnumeratedPath> result;
  EnumeratedPath path;
  std::function<void(uint32_t)> walk = [&](uint32_t n) {
    const WordLatticeNode& node = lattice.nodes[n];
    if (node.is_final()) {
      result.push_back(path);
      result.back().cost += node.final_cost();
      result.back().graph_cost += node.final_graph_cost;
    }
    for (uint32_t a = lattice.first_arc[n]; a < lattice.first_arc[n + 1]; ++a) {
      const EnumeratedPath before = path;
      path.words.push_back(lattice.arcs[a].word);
      path.cost += lattice.arcs[a].cost();
      path.graph_cost += lattice.arcs[a].graph_cost;
      path.arcs.push_back(a);
      walk(lattice.arcs[a].destination);
      path = before;
    }
  };
  if (!lattice.nodes.empty()) walk(0);
  return result;
}

/// A loop of spelled words as a real graph has it: the first unit of each word starts it, its label lies on
/// any of its units. With `separator` the last unit stands between words. Words may share spellings.
inline TestGraph RandomWordLoop(int words, int units, bool separator, std::mt19937_64& random) {
  TestGraph graph;
  graph.units = units;
  graph.words = words + 1;
  std::uniform_real_distribution<float> cost(0.0f, 3.0f);
  const auto add_state = [&] {
    graph.states.push_back({});
    return static_cast<uint32_t>(graph.states.size() - 1);
  };
  const uint32_t start = add_state();
  graph.states[start].final_cost = cost(random);
  const uint32_t after = separator ? add_state() : start;
  if (separator) {
    graph.states[after].final_cost = cost(random);
    graph.states[after].arcs.push_back(
        {start, cost(random), static_cast<uint16_t>(units - 1), kArcWordSeparator, 0});
  }
  const int letters = units - 1 - (separator ? 1 : 0);
  for (int w = 1; w <= words; ++w) {
    const size_t length = 1 + random() % 3;
    const size_t label_at = random() % length;
    uint32_t state = start;
    for (size_t k = 0; k < length; ++k) {
      const uint32_t next = k + 1 == length ? after : add_state();
      graph.states[state].arcs.push_back(
          {next, cost(random), static_cast<uint16_t>(1 + random() % static_cast<size_t>(letters)),
           static_cast<uint16_t>(k == 0 ? kArcWordStart : 0), k == label_at ? static_cast<uint32_t>(w) : 0u});
      state = next;
    }
  }
  return graph;
}

/// Nothing is pruned but by the lattice beam.
inline SearchOptions ExactSearch(float lattice_beam) {
  SearchOptions options;
  options.beam = INFINITY;
  options.lattice_beam = lattice_beam;
  options.max_active = 1 << 30;
  options.max_arcs_per_frame = int64_t{1} << 40;
  return options;
}

}  // namespace skald::test
