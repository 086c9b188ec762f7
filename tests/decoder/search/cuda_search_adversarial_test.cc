// Frames that are hard for the search on a CUDA device.

#include <cmath>
#include <gtest/gtest.h>

#include "cuda_search_test_support.h"
#include "search_test_support.h"
#include "support/test_environment.h"

namespace skald::test {
namespace {

class CudaSearchAdversarial : public CudaSearchTest {};
INSTANTIATE_TEST_SUITE_P(Variants, CudaSearchAdversarial, kCudaSearchVariants, CudaSearchVariantName);

TEST_P(CudaSearchAdversarial, EqualScoresHitTheCapAndTheTieRule) {
  std::mt19937_64 random(PropertySeed());
  TestGraph graph;
  graph.units = 12;
  graph.states.resize(300);
  for (auto& state : graph.states) {
    for (uint16_t unit = 1; unit < 12; ++unit) {
      state.arcs.push_back({static_cast<uint32_t>(random() % graph.states.size()), 0.0f, unit, 0, 0});
    }
    state.final_cost = 0;
  }
  Case c(random);
  c.graph = graph;
  c.streams[0].frames = 12;
  c.streams[0].units = 12;
  c.streams[0].scores.assign(12 * 12, std::log(12.0f));
  c.options = SearchOptions{};
  c.options.max_arcs_per_frame = 150;
  c.options.prune_interval_frames = 4;
  for (const int tokens : {1, 1000}) {  // with and without room for the candidates
    c.options.initial_tokens = tokens;
    SearchStatistics total;
    const std::vector<uint64_t> expected = c.ExpectedHashes(&total);
    EXPECT_GT(total.capped_frames, 5);
    ASSERT_EQ(HashesOnDevice(c, context(), Shape(1, 1), 5, c.options), expected);
  }
}

TEST_P(CudaSearchAdversarial, UnitsAreLookedUpInStatesOfManyArcs) {
  std::mt19937_64 random(PropertySeed());
  for (const int units : {10, 150}) {            // several arcs of each unit, few of each
    for (const double sharpness : {0.3, 3.0}) {  // most units live, few units live
      Case c(random);
      RandomGraphShape shape;
      shape.states = 20;
      shape.units = units;
      shape.emitting_arcs = 250;
      c.graph = RandomGraph(shape, random);
      c.options.word_penalty = 0;
      c.options.beam = 5.0f;
      c.options.max_arcs_per_frame = 3000;
      c.streams[0].frames = 8;
      c.streams[0].units = shape.units;
      c.streams[0].scores = RandomScores(8, shape.units, 0.2, sharpness, random);
      ASSERT_EQ(HashesOnDevice(c, context(), Shape(1, 1), 5, c.options), c.ExpectedHashes())
          << units << " units";
    }
  }
}

TEST_P(CudaSearchAdversarial, HugeDegreeAndMoreUnitsThanSharedMemoryHolds) {
  constexpr uint32_t kUnits = 9000;
  Case c = [] {
    std::mt19937_64 random(1);
    return Case(random);
  }();
  c.graph = TestGraph{};
  c.graph.units = kUnits;
  c.graph.words = 2;
  c.graph.states.resize(3);
  for (uint32_t copy = 0; copy < 2; ++copy) {
    for (uint32_t unit = 1; unit < kUnits; ++unit) {
      c.graph.states[0].arcs.push_back(
          {1 + copy % 2, static_cast<float>(copy), static_cast<uint16_t>(unit), 0, copy % 2});
    }
  }
  c.graph.states[1].final_cost = 0;
  c.options = SearchOptions{};
  c.options.initial_tokens = 100;
  c.streams[0].frames = 2;
  c.streams[0].units = kUnits;
  c.streams[0].scores.assign(2 * kUnits, 11.0f);
  c.streams[0].scores[0] = c.streams[0].scores[kUnits] = 9.0f;
  c.streams[0].scores[kUnits + kUnits - 1] = 0.001f;
  ASSERT_EQ(HashesOnDevice(c, context(), Shape(1, 1), 1, c.options), c.ExpectedHashes());
}

TEST_P(CudaSearchAdversarial, EpsilonsFirstAndDeep) {
  Case c = [] {
    std::mt19937_64 random(1);
    return Case(random);
  }();
  c.graph = TestGraph{};
  c.graph.units = 2;
  c.graph.words = 62;
  c.graph.states.resize(62);
  for (uint32_t s = 0; s < 60; ++s) c.graph.states[s].arcs.push_back({s + 1, 0.01f, 0, 0, s + 1});
  c.graph.states[0].arcs.push_back({60, 0.6f, 0, 0, 0});
  c.graph.states[60].arcs.push_back({61, 0.5f, 1, 0, 61});
  c.graph.states[61].final_cost = 0;
  c.graph.states[61].arcs.push_back({0, 0.25f, 1, 0, 0});
  c.options = SearchOptions{};
  c.streams[0].frames = 4;
  c.streams[0].units = 2;
  c.streams[0].scores = {3.0f, 0.05f, 0.05f, 3.0f, 3.0f, 0.05f, 0.7f, 0.7f};
  ASSERT_EQ(HashesOnDevice(c, context(), Shape(1, 1), 4, c.options), c.ExpectedHashes());
}

TEST_P(CudaSearchAdversarial, InfiniteBeams) {
  std::mt19937_64 random(PropertySeed());
  Case c(random);
  c.options.beam = INFINITY;
  c.options.lattice_beam = INFINITY;
  c.streams[0].frames = 5;
  ASSERT_EQ(HashesOnDevice(c, context(), Shape(1, 1), 5, c.options), c.ExpectedHashes());
}

// The smallest beam at the largest scores: a smaller one would round to nothing.
TEST_P(CudaSearchAdversarial, BeamAtTheResolutionOfCosts) {
  std::mt19937_64 random(PropertySeed());
  Case c = Case::Wide(random, 1);
  c.options.beam = 0.5f;
  std::fill(c.streams[0].scores.begin(), c.streams[0].scores.end(), -1e6f);
  for (int f = 0; f < c.streams[0].frames; ++f)
    c.streams[0].scores[static_cast<size_t>(f * c.streams[0].units)] = 1e6f;
  ASSERT_EQ(HashesOnDevice(c, context(), Shape(1, 1), 7, c.options), c.ExpectedHashes());
}

TEST_P(CudaSearchAdversarial, NoRowsGiveTheStart) {
  std::mt19937_64 random(PropertySeed());
  Case c(random);
  c.streams[0].frames = 0;
  ASSERT_EQ(HashesOnDevice(c, context(), Shape(1, 1), 5, c.options), c.ExpectedHashes());
}

}  // namespace
}  // namespace skald::test
