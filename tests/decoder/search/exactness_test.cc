// The search with an infinite beam against references that share no code with it.

#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>

#include "decoder/lattice/best_path.h"
#include "decoder/lattice/forward_backward.h"
#include "decoder/search/beam_search.h"
#include "openfst_reference.h"
#include "oracle.h"
#include "search_test_support.h"
#include "support/test_environment.h"
#include "support/tolerances.h"
#include "test_graph.h"

namespace skald::test {
namespace {

RandomGraphShape RandomShape(std::mt19937_64& random) {
  RandomGraphShape shape;
  shape.states = 2 + static_cast<int>(random() % 9);
  shape.units = 2 + static_cast<int>(random() % 4);
  shape.least_cost = random() % 2 == 0 ? 0.0f : -0.7f;
  return shape;
}

OpenFstResult ShortestPathOfTlg(const TestGraph& graph, ScoreView nll) {
  std::vector<OpenFstArc> arcs;
  std::vector<float> final_costs;
  for (uint32_t s = 0; s < graph.states.size(); ++s) {
    final_costs.push_back(graph.states[s].final_cost);
    for (const auto& arc : graph.states[s].arcs) {
      arcs.push_back({s, arc.next_state, arc.unit, arc.word, arc.cost});
    }
  }
  const std::vector<float> scores(nll.data, nll.data + nll.rows * nll.columns);
  return ShortestPathOfTlg(arcs, final_costs, graph.start, scores, graph.units);
}

std::vector<uint32_t> LabelsOf(const RawLattice& lattice, const std::vector<uint32_t>& arcs) {
  std::vector<uint32_t> words;
  for (const uint32_t a : arcs) {
    if (lattice.arcs[a].word != 0) words.push_back(lattice.arcs[a].word);
  }
  return words;
}

/// Least cost of the lattice's complete paths with these labels.
double CostOfLabels(const RawLattice& lattice, const std::vector<uint32_t>& labels) {
  const size_t width = labels.size() + 1;
  std::vector<double> to_end(lattice.states.size() * width, NAN);  // of a state and how many labels are behind it
  const std::function<double(uint32_t, size_t)> walk = [&](uint32_t state, size_t place) {
    double& least = to_end[state * width + place];
    if (!std::isnan(least)) return least;
    double found = place == labels.size() ? lattice.states[state].final_cost : INFINITY;
    for (const RawLatticeArc& arc : lattice.arcs_of(state)) {
      if (arc.word != 0 && (place == labels.size() || arc.word != labels[place])) continue;
      found = std::min(found, double{arc.graph_cost} + double{arc.acoustic_cost} +
                                  walk(arc.destination, place + (arc.word != 0)));
    }
    return least = found;
  };
  return walk(0, 0);
}

// Paths that take the same arcs in another order cost the same, so the labels may be others of equal cost.
TEST(SearchExactness, BestPathEqualsOracleAndOpenFst) {
  std::mt19937_64 random(PropertySeed());
  int partial = 0, other_labels = 0;
  const auto expect_labels = [&](const RawLattice& lattice, const BestPathResult& path,
                                 const std::vector<uint32_t>& expected) {
    if (LabelsOf(lattice, path.arcs) == expected) return;
    ++other_labels;
    ASSERT_NEAR(CostOfLabels(lattice, expected), path.cost, kPathCostF32Abs);
  };
  for (int round = 0; round < 150; ++round) {
    const TestGraph graph = RandomGraph(RandomShape(random), random);
    const int frames = static_cast<int>(random() % 15);
    const std::vector<float> scores = RandomScores(frames, graph.units, 0.3, 2.0, random);
    const ScoreView nll(scores.data(), frames, graph.units);
    const RawLattice lattice = Search(graph.Image(), nll, Unpruned());
    const Oracle oracle(graph, nll);
    const BestPathResult path = BestPath(lattice);
    ASSERT_EQ(lattice.partial, oracle.partial());
    ASSERT_NEAR(path.cost, oracle.best_cost(), kPathCostAbs) << "round " << round;
    expect_labels(lattice, path, oracle.best_words());
    const OpenFstResult openfst = ShortestPathOfTlg(graph, nll);
    ASSERT_EQ(openfst.cost == INFINITY, lattice.partial);
    if (lattice.partial) {
      ++partial;
      continue;
    }
    ASSERT_NEAR(path.cost, openfst.cost, kPathCostF32Abs) << "round " << round;
    expect_labels(lattice, path, openfst.words);
    if (HasFatalFailure()) FAIL() << "round " << round;
  }
  EXPECT_LT(partial, 75) << "random graphs rarely reach a final state";
  EXPECT_LE(other_labels, 10);
}

TEST(SearchExactness, LatticeHoldsEveryAlignmentOfEveryGraphPathOnce) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 60; ++round) {
    const TestGraph graph = RandomGraph(RandomShape(random), random);
    const int frames = static_cast<int>(random() % (graph.units > 3 ? 5 : 7));
    const std::vector<float> scores = RandomScores(frames, graph.units, 0.2, 1.0, random);
    const ScoreView nll(scores.data(), frames, graph.units);
    const Enumeration expected = EnumeratePaths(graph, nll);
    const RawLattice lattice = Search(graph.Image(), nll, Unpruned());
    ASSERT_EQ(lattice.partial, expected.pairs == 0);
    if (lattice.partial) continue;
    ASSERT_NEAR(ForwardBackward(lattice).total, expected.log_sum, kPathCostAbs) << "round " << round;

    std::map<std::vector<uint32_t>, double> best_cost_of_words;
    int64_t paths = 0;
    std::vector<uint32_t> words;
    std::function<void(uint32_t, double)> walk = [&](uint32_t state, double cost) {
      const double final_cost = lattice.states[state].final_cost;
      if (final_cost < INFINITY) {
        ++paths;
        double& best = best_cost_of_words.emplace(words, INFINITY).first->second;
        best = std::min(best, cost + final_cost);
      }
      for (const RawLatticeArc& arc : lattice.arcs_of(state)) {
        if (arc.word != 0) words.push_back(arc.word);
        walk(arc.destination, cost + double{arc.graph_cost} + double{arc.acoustic_cost});
        if (arc.word != 0) words.pop_back();
      }
    };
    walk(0, 0.0);
    ASSERT_EQ(paths, expected.pairs) << "round " << round;
    ASSERT_EQ(best_cost_of_words.size(), expected.best_cost_of_words.size());
    for (const auto& [string, cost] : expected.best_cost_of_words) {
      ASSERT_TRUE(best_cost_of_words.contains(string));
      ASSERT_NEAR(best_cost_of_words.at(string), cost, kPathCostAbs);
    }
  }
}

TEST(SearchExactness, LatticeHoldsExactlyTheArcsWithinItsBeam) {
  std::mt19937_64 random(PropertySeed());
  size_t compared = 0;
  for (int round = 0; round < 100; ++round) {
    const TestGraph graph = RandomGraph(RandomShape(random), random);
    const int frames = 1 + static_cast<int>(random() % 20);
    const std::vector<float> scores = RandomScores(frames, graph.units, 0.4, 2.0, random);
    const ScoreView nll(scores.data(), frames, graph.units);
    SearchOptions options = Unpruned();
    options.lattice_beam = std::uniform_real_distribution<float>(0.5f, 8.0f)(random);
    options.word_penalty = std::uniform_real_distribution<float>(-1.0f, 1.0f)(random);
    options.prune_interval_frames = static_cast<int>(random() % 10);
    const RawLattice lattice = Search(graph.Image(), nll, options);
    const Oracle oracle(graph, nll, options.word_penalty);

    using Key = std::tuple<OracleNode, OracleNode, uint32_t, float, float>;
    std::multiset<Key> found;
    for (const RawLatticeArc& arc : lattice.arcs) {
      const auto node = [&](uint32_t s) {
        const RawLatticeState& state = lattice.states[s];
        return OracleNode{state.frame, state.orig_state, state.unit, state.entry};
      };
      found.emplace(node(arc.source), node(arc.destination), arc.word, arc.graph_cost, arc.acoustic_cost);
    }
    for (const OracleArc& arc : oracle.arcs()) {
      const double slack = arc.best_through - oracle.best_cost();
      const auto place =
          found.find(Key(arc.source, arc.destination, arc.word, arc.graph_cost, arc.acoustic_cost));
      if (slack <= options.lattice_beam - kPathCostF32Abs) {
        ASSERT_NE(place, found.end()) << "missing, round " << round << " slack " << slack;
        ++compared;
      } else if (slack > options.lattice_beam + kPathCostF32Abs) {
        ASSERT_EQ(place, found.end()) << "too many, round " << round << " slack " << slack;
      }
      if (place != found.end()) found.erase(place);
    }
    ASSERT_TRUE(found.empty()) << "arcs that no complete path has, round " << round;
  }
  EXPECT_GT(compared, 1000u);
}

}  // namespace
}  // namespace skald::test
