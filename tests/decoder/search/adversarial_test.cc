// Scores and graphs that no recording gives, but somebody's bug will.

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "decoder/lattice/best_path.h"
#include "decoder/lattice/forward_backward.h"
#include "decoder/search/beam_search.h"
#include "oracle.h"
#include "search_test_support.h"
#include "support/test_environment.h"
#include "support/tolerances.h"
#include "test_graph.h"

namespace skald::test {
namespace {

using ::testing::HasSubstr;

/// States in a row; state i leads to i + 1 with unit 1 + i % 2 and word i + 1; the last one is final.
TestGraph Chain(int states) {
  TestGraph graph;
  graph.units = 3;
  graph.words = states;
  graph.states.resize(static_cast<size_t>(states));
  for (uint32_t s = 0; s + 1 < graph.states.size(); ++s) {
    graph.states[s].arcs.push_back({s + 1, 0.5f, static_cast<uint16_t>(1 + s % 2), kArcWordStart, s + 1});
  }
  graph.states.back().final_cost = 0.25f;
  return graph;
}

std::vector<float> EqualScores(int frames, int units) {
  return std::vector<float>(static_cast<size_t>(frames) * static_cast<size_t>(units),
                            std::log(static_cast<float>(units)));
}

TEST(SearchAdversarial, NoFrames) {
  const GraphImage chain = Chain(3).Image();
  const RawLattice lattice = Search(chain, ScoreView(nullptr, 0, 3), {});
  EXPECT_TRUE(lattice.partial);
  EXPECT_EQ(lattice.frames, 0);
  EXPECT_EQ(lattice.states.size(), 1u);
  EXPECT_EQ(BestPath(lattice).cost, 0.0);

  TestGraph start_is_final = Chain(3);
  start_is_final.states[0].final_cost = 1.5f;
  const RawLattice complete = Search(start_is_final.Image(), ScoreView(nullptr, 0, 3), {});
  EXPECT_FALSE(complete.partial);
  EXPECT_EQ(BestPath(complete).cost, 1.5);
}

TEST(SearchAdversarial, OneFrame) {
  const GraphImage chain = Chain(2).Image();
  const std::vector<float> scores = {2.0f, 0.25f, 3.0f};
  const RawLattice lattice = Search(chain, ScoreView(scores.data(), 1, 3), {});
  EXPECT_FALSE(lattice.partial);
  const BestPathResult path = BestPath(lattice);
  EXPECT_DOUBLE_EQ(path.cost, 1.0);
  ASSERT_EQ(path.words.size(), 1u);
  EXPECT_EQ(path.words[0].start_frame, 0);
  EXPECT_EQ(path.words[0].end_frame, 1);
}

TEST(SearchAdversarial, NoFinalStateGivesPartialLattice) {
  std::mt19937_64 random(PropertySeed());
  RandomGraphShape shape;
  shape.final_share = 0;
  const TestGraph graph = RandomGraph(shape, random);
  const std::vector<float> scores = RandomScores(20, graph.units, 0.3, 1.0, random);
  const ScoreView nll(scores.data(), 20, graph.units);
  SearchOptions options;
  options.beam = INFINITY;
  options.max_active = 1 << 30;
  const RawLattice lattice = Search(graph.Image(), nll, options);
  EXPECT_TRUE(lattice.partial);
  EXPECT_NEAR(BestPath(lattice).cost, Oracle(graph, nll).best_cost(), kPathCostAbs);
}

TEST(SearchAdversarial, BadScoresNameTheFrameAndEndTheStream) {
  const GraphImage chain = Chain(3).Image();
  for (const float bad : {NAN, -INFINITY, 2e6f, -2e6f}) {
    for (const int unit : {0, 2}) {
      std::vector<float> scores = EqualScores(5, 3);
      scores[static_cast<size_t>(3 * 3 + unit)] = bad;
      BeamSearch search(chain, {});
      search.Begin();
      ASSERT_TRUE(search.Advance(ScoreView(scores.data(), 2, 3)).ok());
      const Status status = search.Advance(ScoreView(scores.data() + 6, 3, 3));
      EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
      EXPECT_EQ(status.position(), "frame 3");
      EXPECT_THAT(status.reason(), HasSubstr("unit " + std::to_string(unit)));
      EXPECT_THAT(search.Advance(ScoreView(scores.data(), 1, 3)).reason(), HasSubstr("failed before"));
      EXPECT_FALSE(search.Finish().ok());
      search.Begin();
      EXPECT_TRUE(search.Advance(ScoreView(scores.data(), 2, 3)).ok());
      EXPECT_TRUE(search.Finish().ok());
    }
  }
  std::vector<float> row(3, INFINITY);
  BeamSearch search(chain, {});
  search.Begin();
  EXPECT_EQ(search.Advance(ScoreView(row.data(), 1, 3)).position(), "frame 0");
}

TEST(SearchAdversarial, InfiniteCostOfAUnitForbidsIt) {
  const GraphImage chain = Chain(2).Image();
  const std::vector<float> scores = {2.0f, INFINITY, 3.0f, 2.0f, 4.0f, 3.0f};
  const RawLattice lattice = Search(chain, ScoreView(scores.data(), 2, 3), {});
  EXPECT_DOUBLE_EQ(BestPath(lattice).cost, 2.0 + 4.0 + 0.5 + 0.25);
}

TEST(SearchAdversarial, WrongColumnsAndWrongOrderOfCalls) {
  const GraphImage chain = Chain(3).Image();
  const std::vector<float> scores = EqualScores(1, 4);
  BeamSearch search(chain, {});
  EXPECT_FALSE(search.Advance(ScoreView(scores.data(), 1, 3)).ok());
  EXPECT_FALSE(search.Finish().ok());
  search.Begin();
  EXPECT_THAT(search.Advance(ScoreView(scores.data(), 1, 4)).reason(), HasSubstr("4 columns"));
  search.Begin();
  EXPECT_TRUE(search.Finish().ok());
  EXPECT_FALSE(search.Finish().ok());
}

TEST(SearchAdversarial, EqualScoresHitTheCapAndStayBounded) {
  std::mt19937_64 random(PropertySeed());
  // Every arc costs the same too: nothing but the tie rule can choose.
  TestGraph graph;
  graph.units = 20;
  graph.states.resize(2000);
  for (auto& state : graph.states) {
    for (uint16_t unit = 1; unit < 20; ++unit) {
      state.arcs.push_back({static_cast<uint32_t>(random() % graph.states.size()), 0.0f, unit, 0, 0});
    }
    state.final_cost = 0;
  }
  const int frames = 40;
  const std::vector<float> scores = EqualScores(frames, 20);
  const ScoreView nll(scores.data(), frames, 20);
  SearchOptions options;
  options.max_arcs_per_frame = 500;
  options.prune_interval_frames = 8;
  const GraphImage image = graph.Image();
  SearchStatistics statistics;
  const RawLattice lattice = Search(image, nll, options, 0, &statistics);
  EXPECT_GT(statistics.capped_frames, frames - 10);
  EXPECT_LE(statistics.arcs_kept, frames * options.max_arcs_per_frame);
  EXPECT_LT(lattice.smallest_beam, options.beam);
  EXPECT_NEAR(BestPath(lattice).cost, frames * std::log(20.0), 1e-3);
  options.hash_seed = random();
  options.initial_tokens = 1;
  EXPECT_EQ(SurvivorHash(Search(image, nll, options, 3)), SurvivorHash(lattice));
}

TEST(SearchAdversarial, CapTakesTheCheapestBins) {
  // One state, 1000 arcs with costs 0, 0.001, ...: all in one frame.
  TestGraph graph;
  graph.units = 1001;
  graph.states.resize(1001);
  for (uint32_t i = 0; i < 1000; ++i) {
    graph.states[0].arcs.push_back(
        {i + 1, 0.001f * static_cast<float>(i), static_cast<uint16_t>(i + 1), 0, 0});
    graph.states[i + 1].final_cost = 0;
  }
  std::vector<float> scores(1001, 0.0f);
  scores[0] = 100.0f;
  SearchOptions options;
  options.beam = 2.0f;
  options.max_arcs_per_frame = 100;
  SearchStatistics statistics;
  const RawLattice lattice =
      Search(graph.Image(), ScoreView(scores.data(), 1, 1001), options, 0, &statistics);
  EXPECT_EQ(statistics.capped_frames, 1);
  EXPECT_LE(statistics.arcs_kept, 100);
  EXPECT_GE(statistics.arcs_kept, 98);  // a bin is about one arc wide
  for (const RawLatticeArc& arc : lattice.arcs) EXPECT_LT(arc.graph_cost, 0.1f);
}

TEST(SearchAdversarial, EpsilonOnlyStartAndDeepEpsilonChain) {
  TestGraph graph;
  graph.units = 2;
  graph.words = 202;
  graph.states.resize(202);
  for (uint32_t s = 0; s < 200; ++s) graph.states[s].arcs.push_back({s + 1, 0.01f, 0, 0, s + 1});
  graph.states[200].arcs.push_back({201, 0.5f, 1, 0, 201});
  graph.states[201].final_cost = 0;
  const std::vector<float> scores = {3.0f, 0.05f, 0.05f, 3.0f};
  const RawLattice lattice = Search(graph.Image(), ScoreView(scores.data(), 2, 2), {});
  const BestPathResult path = BestPath(lattice);
  EXPECT_NEAR(path.cost, 200 * 0.01 + 0.5 + 0.1, 1e-4);
  ASSERT_EQ(path.words.size(), 201u);
  for (uint32_t w = 0; w < 201; ++w) EXPECT_EQ(path.words[w].word, w + 1);
}

TEST(SearchAdversarial, EpsilonDiamondsWithTiesKeepBothSides) {
  // 0 -a-> 1, then two equal epsilon ways from 1 to 4 by 2 and 3, and a longer one of equal cost.
  TestGraph graph;
  graph.units = 2;
  graph.words = 4;
  graph.states.resize(5);
  graph.states[0].arcs = {{1, 0.5f, 1, 0, 0}};
  graph.states[1].arcs = {{2, 0.25f, 0, 0, 1}, {3, 0.25f, 0, 0, 2}, {4, 0.75f, 0, 0, 3}};
  graph.states[2].arcs = {{4, 0.5f, 0, 0, 0}};
  graph.states[3].arcs = {{4, 0.5f, 0, 0, 0}};
  graph.states[4].final_cost = 0;
  const std::vector<float> scores = {4.0f, 0.5f};
  const GraphImage image = graph.Image();
  const RawLattice lattice = Search(image, ScoreView(scores.data(), 1, 2), {});
  EXPECT_NEAR(ForwardBackward(lattice).total, 1.75 - std::log(3.0), 1e-6);
  const BestPathResult path = BestPath(lattice);
  EXPECT_EQ(path.cost, 1.75);
  ASSERT_EQ(path.words.size(), 1u);
  EXPECT_EQ(path.words[0].word, 3u) << "of equal last arcs the one from the smallest state number is taken";
}

TEST(SearchAdversarial, HugeDegreeAndMostUnitsThereCanBe) {
  constexpr uint32_t kUnits = 65536;
  TestGraph graph;
  graph.units = kUnits;
  graph.words = 2;
  graph.states.resize(3);
  for (uint32_t copy = 0; copy < 4; ++copy) {
    for (uint32_t unit = 1; unit < kUnits; ++unit) {
      graph.states[0].arcs.push_back(
          {1 + copy % 2, static_cast<float>(copy), static_cast<uint16_t>(unit), 0, copy % 2});
    }
  }
  graph.states[1].final_cost = 0;
  const int frames = 3;
  std::vector<float> scores(static_cast<size_t>(frames) * kUnits, 11.0f);
  scores[0] = scores[kUnits] = scores[2 * kUnits] = 9.0f;
  scores[kUnits + 65535] = 0.001f;
  const ScoreView nll(scores.data(), frames, kUnits);
  const GraphImage image = graph.Image();
  const RawLattice lattice = Search(image, nll, {});
  const BestPathResult path = BestPath(lattice);
  ASSERT_EQ(path.units.size(), 1u);
  EXPECT_EQ(path.units[0].unit, 65535);
  EXPECT_NEAR(path.cost, 18.001, 1e-4);
}

TEST(SearchAdversarial, LongStreamDoesNotDrift) {
  std::mt19937_64 random(PropertySeed());
  RandomGraphShape shape;
  shape.states = 5;
  shape.units = 3;
  const TestGraph graph = RandomGraph(shape, random);
  const int frames = 100000;
  const std::vector<float> scores = RandomScores(frames, 3, 0.3, 1.0, random);
  const ScoreView nll(scores.data(), frames, 3);
  // Viterbi in f64 over (state, unit), epsilons relaxed until nothing changes.
  std::vector<double> cost(15, INFINITY), next;
  const auto close = [&](std::vector<double>* costs, const std::vector<double>& entered) {
    std::vector<double> entry = entered;
    for (int pass = 0; pass < 5; ++pass) {
      for (uint32_t s = 0; s < 5; ++s) {
        for (const auto& arc : graph.states[s].arcs) {
          for (uint32_t u = 0; arc.unit == 0 && u < 3; ++u) {
            entry[arc.next_state * 3 + u] =
                std::min(entry[arc.next_state * 3 + u], entry[s * 3 + u] + arc.cost);
          }
        }
      }
    }
    for (size_t i = 0; i < costs->size(); ++i) (*costs)[i] = std::min((*costs)[i], entry[i]);
  };
  std::vector<double> entered(15, INFINITY);
  entered[0] = 0;
  close(&cost, entered);
  for (int t = 0; t < frames; ++t) {
    next.assign(15, INFINITY);
    entered.assign(15, INFINITY);
    for (uint32_t s = 0; s < 5; ++s) {
      for (uint32_t u = 0; u < 3; ++u) {
        const double here = cost[s * 3 + u];
        next[s * 3] = std::min(next[s * 3], here + nll(t, 0));
        if (u != 0) next[s * 3 + u] = std::min(next[s * 3 + u], here + nll(t, u));
        for (const auto& arc : graph.states[s].arcs) {
          if (arc.unit == 0 || arc.unit == u) continue;
          double& best = entered[arc.next_state * 3 + arc.unit];
          best = std::min(best, here + arc.cost + nll(t, arc.unit));
        }
      }
    }
    close(&next, entered);
    cost.swap(next);
  }
  const GraphImage image = graph.Image();
  SearchOptions options;
  options.beam = INFINITY;
  BeamSearch search(image, options);
  search.Begin();
  ASSERT_TRUE(search.Advance(nll).ok());
  const double expected = *std::min_element(cost.begin(), cost.end());
  EXPECT_NEAR(search.best_cost(), expected, kPathCostF32Relative * expected);
}

TEST(SearchAdversarial, LongStreamHoldsLittleMoreThanItsLattice) {
  std::mt19937_64 random(PropertySeed());
  RandomGraphShape shape;
  shape.states = 200;
  shape.units = 20;
  shape.emitting_arcs = 5;
  const GraphImage graph = RandomGraph(shape, random).Image();
  const int frames = 5000;
  const std::vector<float> scores = RandomScores(frames, shape.units, 0.2, 1.0, random);
  SearchOptions options;
  options.lattice_beam = 1.0f;
  options.prune_interval_frames = 20;
  SearchStatistics statistics;
  const RawLattice lattice =
      Search(graph, ScoreView(scores.data(), frames, shape.units), options, 0, &statistics);
  // Recent frames are kept whole, older ones are pruned by a future that is not the final one.
  const int64_t recent = 2 * options.prune_interval_frames * statistics.links_made / frames;
  EXPECT_LT(statistics.peak_links_held, 3 * static_cast<int64_t>(lattice.arcs.size()) / 2 + 2 * recent);
  // One graph in hundreds has hardly more than one path: nothing to prune.
  if (statistics.links_made > 4 * frames) EXPECT_LT(statistics.peak_links_held, statistics.links_made / 2);
}

TEST(SearchAdversarial, BadOptionsAreNamed) {
  const auto reason = [](auto change) {
    SearchOptions options;
    change(&options);
    return options.Validate().reason();
  };
  EXPECT_TRUE(SearchOptions{}.Validate().ok());
  EXPECT_THAT(reason([](SearchOptions* o) { o->beam = 0; }), HasSubstr("beam"));
  EXPECT_THAT(reason([](SearchOptions* o) { o->beam = 1e-6f; }), HasSubstr("beam"));
  EXPECT_THAT(reason([](SearchOptions* o) { o->beam = NAN; }), HasSubstr("beam"));
  EXPECT_THAT(reason([](SearchOptions* o) { o->lattice_beam = -1; }), HasSubstr("lattice_beam"));
  EXPECT_THAT(reason([](SearchOptions* o) { o->max_active = 0; }), HasSubstr("max_active"));
  EXPECT_THAT(reason([](SearchOptions* o) { o->min_active = -1; }), HasSubstr("min_active"));
  EXPECT_THAT(reason([](SearchOptions* o) { o->min_active = o->max_active; }), HasSubstr("min_active"));
  EXPECT_THAT(reason([](SearchOptions* o) { o->max_arcs_per_frame = 0; }), HasSubstr("max_arcs_per_frame"));
  EXPECT_THAT(reason([](SearchOptions* o) { o->word_penalty = INFINITY; }), HasSubstr("word_penalty"));
  EXPECT_THAT(reason([](SearchOptions* o) { o->prune_interval_frames = -1; }), HasSubstr("prune_interval"));
  EXPECT_THAT(reason([](SearchOptions* o) { o->initial_tokens = 0; }), HasSubstr("initial_tokens"));
}

}  // namespace
}  // namespace skald::test
