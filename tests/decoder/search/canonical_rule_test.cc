// The search against the plain statement of its rule, bit for bit.

#include <gtest/gtest.h>

#include "canonical_reference.h"
#include "search_test_support.h"
#include "support/test_environment.h"

namespace skald::test {
namespace {

void Compare(const TestGraph& graph, int frames, const SearchOptions& options, std::mt19937_64& random,
             int* frames_bound, SearchStatistics* total) {
  const std::vector<float> scores = RandomScores(frames, graph.units, 0.5, 2.0, random);
  const ScoreView nll(scores.data(), frames, graph.units);
  const RawLattice expected = CanonicalReference(graph, nll, options, frames_bound);
  SearchStatistics statistics;
  const RawLattice lattice = Search(graph.Image(), nll, options, 0, &statistics);
  total->collapsed_frames += statistics.collapsed_frames;
  ASSERT_EQ(lattice.partial, expected.partial);
  ASSERT_EQ(lattice.states.size(), expected.states.size());
  ASSERT_EQ(lattice.arcs.size(), expected.arcs.size());
  ASSERT_EQ(SurvivorHash(lattice), SurvivorHash(expected));
}

TEST(CanonicalRule, HoldsOnRandomGraphs) {
  std::mt19937_64 random(PropertySeed());
  int frames_bound = 0;
  SearchStatistics total;
  for (int round = 0; round < 60; ++round) {
    RandomGraphShape shape;
    shape.states = 2 + static_cast<int>(random() % 60);
    shape.units = 2 + static_cast<int>(random() % 12);
    shape.least_cost = round % 3 == 0 ? -0.5f : 0.0f;
    shape.emitting_arcs = 4;
    SearchOptions options;
    options.beam = std::uniform_real_distribution<float>(2.0f, 12.0f)(random);
    options.lattice_beam = std::uniform_real_distribution<float>(0.5f, 12.0f)(random);
    options.max_active = 1 + static_cast<int>(random() % 60);
    if (round % 4 == 1)
      options.min_active = static_cast<int>(random() % static_cast<uint64_t>(options.max_active));
    options.max_arcs_per_frame = 1 + static_cast<int>(random() % 150);
    options.word_penalty = std::uniform_real_distribution<float>(-1.0f, 1.0f)(random);
    options.prune_interval_frames = static_cast<int>(random() % 20);
    Compare(RandomGraph(shape, random), 1 + static_cast<int>(random() % 40), options, random, &frames_bound,
            &total);
    if (HasFatalFailure()) FAIL() << "round " << round;
  }
  EXPECT_GT(frames_bound, 0);
  EXPECT_GT(total.collapsed_frames, 0);
}

TEST(CanonicalRule, HoldsWhereStatesHaveManyArcs) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 10; ++round) {
    RandomGraphShape shape;
    shape.states = 20;
    shape.units = 40 + static_cast<int>(random() % 200);
    shape.emitting_arcs = 150;
    SearchOptions options;
    options.beam = std::uniform_real_distribution<float>(2.0f, 8.0f)(random);
    options.max_active = 50;
    int frames_bound = 0;
    SearchStatistics total;
    Compare(RandomGraph(shape, random), 20, options, random, &frames_bound, &total);
    if (HasFatalFailure()) FAIL() << "round " << round;
  }
}

}  // namespace
}  // namespace skald::test
