// Graphs that hold all of their topology, against the same graphs with the CTC topology implied.

#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "decoder/lattice/best_path.h"
#include "decoder/lattice/nbest.h"
#include "decoder/lattice/word_lattice.h"
#include "decoder/search/beam_search.h"
#include "search_test_support.h"
#include "support/test_environment.h"
#include "support/tolerances.h"
#include "test_graph.h"

namespace skald::test {
namespace {

/// States (state, last unit, entered now?) of the CTC topology as states of a graph; unit u becomes u + 1.
TestGraph WithTopology(const TestGraph& graph) {
  const auto units = static_cast<uint32_t>(graph.units);
  const auto number = [&](uint32_t state, uint32_t unit, bool entry) {
    return (state * units + unit) * 2 + (entry ? 1 : 0);
  };
  const auto has_epsilons = [&](uint32_t state) {
    for (const auto& arc : graph.states[state].arcs) {
      if (arc.unit == 0) return true;
    }
    return false;
  };
  TestGraph composed;
  composed.units = graph.units + 1;
  composed.words = graph.words;
  composed.start = number(graph.start, 0, has_epsilons(graph.start));
  composed.states.resize(graph.states.size() * units * 2);
  for (uint32_t state = 0; state < graph.states.size(); ++state) {
    for (uint32_t unit = 0; unit < units; ++unit) {
      TestGraph::State& inside = composed.states[number(state, unit, false)];
      TestGraph::State& entry = composed.states[number(state, unit, true)];
      inside.final_cost = graph.states[state].final_cost;
      inside.arcs.push_back({number(state, 0, false), 0, 1, kArcWordSeparator, 0});
      if (unit != 0)
        inside.arcs.push_back({number(state, unit, false), 0, static_cast<uint16_t>(unit + 1), 0, 0});
      entry.arcs.push_back({number(state, unit, false), 0, 0, 0, 0});
      for (const auto& arc : graph.states[state].arcs) {
        const uint32_t after = arc.unit == 0 ? unit : arc.unit;
        const uint32_t next = number(arc.next_state, after, has_epsilons(arc.next_state));
        if (arc.unit == 0) {
          entry.arcs.push_back({next, arc.cost, 0, 0, arc.word});
        } else if (arc.unit != unit) {
          inside.arcs.push_back({next, arc.cost, static_cast<uint16_t>(arc.unit + 1), arc.flags, arc.word});
        }
      }
    }
  }
  return composed;
}

GraphImage ExplicitImage(const TestGraph& graph) {
  std::vector<std::string> units, words;
  for (int unit = 0; unit < graph.units; ++unit) units.push_back("u" + std::to_string(unit));
  for (int word = 0; word < graph.words; ++word) words.push_back(word == 0 ? "" : "w" + std::to_string(word));
  GraphImageBuilder builder(units, words);
  for (const TestGraph::State& state : graph.states) builder.AddState(state.final_cost, state.arcs);
  builder.SetStart(graph.start);
  builder.SetExplicitTopology();
  return std::move(builder).Build().value();
}

/// The scores with a column in front that no arc reads.
std::vector<float> Widened(const std::vector<float>& scores, int units, std::mt19937_64& random) {
  std::vector<float> wide;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (i % static_cast<size_t>(units) == 0)
      wide.push_back(std::uniform_real_distribution<float>(-5, 5)(random));
    wide.push_back(scores[i]);
  }
  return wide;
}

std::map<std::vector<uint32_t>, double> CostsOfWords(const RawLattice& lattice) {
  const WordLattice words = DeterminizeWords(lattice);
  std::map<std::vector<uint32_t>, double> costs;
  for (const WordPath& path : NBest(words, 1000)) {
    std::vector<uint32_t> numbers;
    for (const uint32_t arc : path.arcs) numbers.push_back(words.arcs[arc].word);
    costs[numbers] = path.cost;
  }
  return costs;
}

TEST(ExplicitTopology, EqualsTheImpliedOne) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 40; ++round) {
    RandomGraphShape shape;
    shape.states = 2 + static_cast<int>(random() % 6);
    shape.units = 2 + static_cast<int>(random() % 3);
    const TestGraph graph = RandomGraph(shape, random);
    const int frames = static_cast<int>(random() % 6);
    const std::vector<float> scores = RandomScores(frames, graph.units, 0.2, 2.0, random);
    const std::vector<float> wide = Widened(scores, graph.units, random);
    const RawLattice implied = Search(graph.Image(), {scores.data(), frames, graph.units}, Unpruned());
    const RawLattice all =
        Search(ExplicitImage(WithTopology(graph)), {wide.data(), frames, graph.units + 1}, Unpruned());
    ASSERT_EQ(implied.partial, all.partial);
    EXPECT_EQ(implied.frames, all.frames);
    const BestPathResult wanted = BestPath(implied), best = BestPath(all);
    EXPECT_NEAR(best.cost, wanted.cost, kPathCostF32Abs);
    EXPECT_NEAR(best.acoustic_cost, wanted.acoustic_cost, kPathCostF32Abs);
    ASSERT_EQ(best.words.size(), wanted.words.size());
    for (size_t i = 0; i < best.words.size(); ++i) {
      EXPECT_EQ(best.words[i].word, wanted.words[i].word);
      EXPECT_EQ(best.words[i].start_frame, wanted.words[i].start_frame);
    }
    const auto costs = CostsOfWords(all), wanted_costs = CostsOfWords(implied);
    if (wanted_costs.size() == 1000) continue;  // where to cut is open
    ASSERT_EQ(costs.size(), wanted_costs.size());
    for (const auto& [words, cost] : wanted_costs) EXPECT_NEAR(costs.at(words), cost, kPathCostF32Abs);
  }
}

TEST(ExplicitTopology, EveryArcTakesAFrameAndNothingElseDoes) {
  // One word of two units, each with a self-loop.
  GraphImageBuilder builder({"-", "a", "b"}, {"", "ab"});
  const GraphImageBuilder::Arc first[] = {{1, 0.5f, 1, kArcWordStart, 1}};
  const GraphImageBuilder::Arc second[] = {{1, 0.25f, 1, 0, 0}, {2, 0, 2, 0, 0}};
  const GraphImageBuilder::Arc third[] = {{2, 0.25f, 2, 0, 0}};
  builder.AddState(INFINITY, first);
  builder.AddState(INFINITY, second);
  builder.AddState(0.125f, third);
  builder.SetStart(0);
  builder.SetExplicitTopology();
  const GraphImage image = std::move(builder).Build().value();
  // Blank by far, then a, a, b, b, b.
  const std::vector<float> scores = {-99, 1, 9, -99, 1, 9, -99, 9, 1, -99, 9, 1, -99, 9, 1};
  const RawLattice lattice = Search(image, {scores.data(), 5, 3}, {});
  EXPECT_FALSE(lattice.partial);
  const BestPathResult path = BestPath(lattice);
  EXPECT_NEAR(path.cost, 5 + 0.5 + 0.25 + 0.5 + 0.125, kPathCostF32Abs);
  ASSERT_EQ(path.words.size(), 1u);
  EXPECT_EQ(path.words[0].start_frame, 0);
  EXPECT_EQ(path.words[0].end_frame, 5);
  for (const RawLatticeArc& arc : lattice.arcs) EXPECT_LT(arc.cell, kEntryCell);
  // Too short to end.
  EXPECT_TRUE(Search(image, {scores.data(), 1, 3}, {}).partial);
}

TEST(ExplicitTopology, ResultDoesNotDependOnCallsOrHash) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 20; ++round) {
    RandomGraphShape shape;
    shape.states = 40;
    const TestGraph graph = RandomGraph(shape, random);
    const int frames = 30;
    const std::vector<float> wide =
        Widened(RandomScores(frames, graph.units, 0.2, 2.0, random), graph.units, random);
    const GraphImage image = ExplicitImage(WithTopology(graph));
    SearchOptions options;
    options.beam = 6;
    options.lattice_beam = 4;
    options.max_active = 30;
    const ScoreView nll(wide.data(), frames, graph.units + 1);
    const uint64_t wanted = SurvivorHash(Search(image, nll, options));
    options.hash_seed = random();
    options.initial_tokens = 4;
    options.prune_interval_frames = 3;
    options.prune_links_early = false;
    BeamSearch search(image, options);
    search.Begin();
    for (int64_t first = 0; first < frames; first += 7) {
      EXPECT_TRUE(search.Advance(nll.Rows(first, std::min<int64_t>(7, frames - first))).ok());
    }
    EXPECT_EQ(SurvivorHash(search.Finish().value()), wanted);
  }
}

}  // namespace
}  // namespace skald::test
