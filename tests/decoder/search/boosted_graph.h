#pragma once

#include <random>
#include <vector>

#include "base/view.h"
#include "decoder/lattice/raw_lattice.h"
#include "decoder/search/boost_automaton.h"
#include "decoder/search/search_options.h"
#include "test_graph.h"

namespace skald::test {

/// `count` phrases of one to four of the words 1..`words`, some of them penalties.
std::vector<BoostPhrase> RandomPhrases(size_t count, uint32_t words, std::mt19937_64& random);

/// A stream on a random graph with boosted phrases, in which every limit of the search may bind.
struct BoostedCase {
  TestGraph graph;
  int frames = 0;
  std::vector<float> scores;
  SearchOptions options;
  BoostAutomaton automaton;

  explicit BoostedCase(std::mt19937_64& random);

  ScoreView nll() const { return {scores.data(), frames, graph.units}; }
  /// The graph composed with the automaton: state s and automaton state b become s * states + b.
  TestGraph ComposedGraph() const;
  /// A lattice of the boosted search with its states named as in the composed graph.
  RawLattice WithComposedStates(RawLattice lattice) const;
};

}  // namespace skald::test
