#pragma once

#include <random>
#include <vector>

#include "decoder/lattice/nbest.h"
#include "lattice_oracle.h"
#include "search_test_support.h"

namespace skald::test {

/// What a search leaves of random scores over a random loop of words.
inline RawLattice RandomRawLattice(std::mt19937_64& random) {
  const TestGraph graph = RandomWordLoop(1 + static_cast<int>(random() % 5), 4, random() % 2 == 0, random);
  const int frames = 1 + static_cast<int>(random() % 10);
  const std::vector<float> scores = RandomScores(frames, graph.units, 0.2, 1.5, random);
  return Search(graph.Image(), ScoreView(scores.data(), frames, graph.units), ExactSearch(8));
}

inline WordString WordsOf(const WordLattice& lattice, const WordPath& path) {
  WordString words;
  for (const uint32_t a : path.arcs) words.push_back(lattice.arcs[a].word);
  return words;
}

}  // namespace skald::test
