// What must not change the result of the search, with every pruning at work: all comparisons are of bits.

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <numeric>

#include "decoder/lattice/best_path.h"
#include "decoder/search/beam_search.h"
#include "search_test_support.h"
#include "support/test_environment.h"
#include "support/tolerances.h"
#include "test_graph.h"

namespace skald::test {
namespace {

/// A stream on a graph big enough that every limit of `options` binds.
struct Case {
  TestGraph graph;
  int frames = 0;
  std::vector<float> scores;
  SearchOptions options;

  explicit Case(std::mt19937_64& random) {
    RandomGraphShape shape;
    shape.states = 100 + static_cast<int>(random() % 400);
    shape.units = 3 + static_cast<int>(random() % 30);
    shape.words = 50;
    shape.emitting_arcs = 4;
    graph = RandomGraph(shape, random);
    frames = 30 + static_cast<int>(random() % 120);
    scores = RandomScores(frames, shape.units, 0.5, 2.0, random);
    options.beam = std::uniform_real_distribution<float>(3.0f, 10.0f)(random);
    options.lattice_beam = std::uniform_real_distribution<float>(1.0f, 6.0f)(random);
    options.max_active = 5 + static_cast<int>(random() % 300);
    options.max_arcs_per_frame = 20 + static_cast<int>(random() % 1000);
    options.prune_interval_frames = 1 + static_cast<int>(random() % 40);
    options.initial_tokens = 1;
  }
  ScoreView nll() const { return {scores.data(), frames, graph.units}; }
};

/// Runs `rounds` random cases; `variants` returns the hashes that must equal the case's own.
void ExpectEqualHashes(int rounds,
                       const std::function<std::vector<uint64_t>(const Case&, std::mt19937_64&)>& variants) {
  std::mt19937_64 random(PropertySeed());
  SearchStatistics total;
  for (int round = 0; round < rounds; ++round) {
    const Case test_case(random);
    SearchStatistics statistics;
    const RawLattice lattice =
        Search(test_case.graph.Image(), test_case.nll(), test_case.options, 0, &statistics);
    ASSERT_FALSE(lattice.arcs.empty());
    total.collapsed_frames += statistics.collapsed_frames;
    total.max_active_frames += statistics.max_active_frames;
    total.capped_frames += statistics.capped_frames;
    const uint64_t expected = SurvivorHash(lattice);
    for (const uint64_t hash : variants(test_case, random)) ASSERT_EQ(hash, expected) << "round " << round;
  }
  EXPECT_GT(total.collapsed_frames, 0);
  EXPECT_GT(total.max_active_frames, 0);
  EXPECT_GT(total.capped_frames, 0);
}

TEST(SearchInvariance, NumberingOfStatesAndOrderOfArcs) {
  ExpectEqualHashes(40, [](const Case& c, std::mt19937_64& random) {
    std::vector<uint32_t> new_number(c.graph.states.size()), old_number(c.graph.states.size());
    std::iota(new_number.begin(), new_number.end(), 0u);
    std::shuffle(new_number.begin(), new_number.end(), random);
    for (uint32_t s = 0; s < new_number.size(); ++s) old_number[new_number[s]] = s;
    const TestGraph permuted = Permuted(c.graph, new_number, random);
    return std::vector{SurvivorHash(Search(permuted.Image(), c.nll(), c.options), old_number)};
  });
}

TEST(SearchInvariance, HashSeedAndCapacity) {
  ExpectEqualHashes(40, [](const Case& c, std::mt19937_64& random) {
    std::vector<uint64_t> hashes;
    for (const int tokens : {1, 100, 10000}) {
      SearchOptions options = c.options;
      options.hash_seed = random();
      options.initial_tokens = tokens;
      hashes.push_back(SurvivorHash(Search(c.graph.Image(), c.nll(), options)));
    }
    return hashes;
  });
}

TEST(SearchInvariance, DivisionIntoChunks) {
  ExpectEqualHashes(40, [](const Case& c, std::mt19937_64& random) {
    std::vector<uint64_t> hashes;
    for (const int64_t chunk : {int64_t{1}, int64_t{2} + static_cast<int64_t>(random() % 20)}) {
      hashes.push_back(SurvivorHash(Search(c.graph.Image(), c.nll(), c.options, chunk)));
    }
    return hashes;
  });
}

TEST(SearchInvariance, BlankCollapse) {
  ExpectEqualHashes(80, [](const Case& c, std::mt19937_64&) {
    SearchOptions options = c.options;
    options.collapse_blanks = false;
    return std::vector{SurvivorHash(Search(c.graph.Image(), c.nll(), options))};
  });
}

TEST(SearchInvariance, EarlyLinkPruningAndPruneInterval) {
  ExpectEqualHashes(40, [](const Case& c, std::mt19937_64&) {
    std::vector<uint64_t> hashes;
    for (const int interval : {0, 1, 7, 1000}) {
      for (const bool early : {false, true}) {
        SearchOptions options = c.options;
        options.prune_interval_frames = interval;
        options.prune_links_early = early;
        hashes.push_back(SurvivorHash(Search(c.graph.Image(), c.nll(), options)));
      }
    }
    return hashes;
  });
}

TEST(SearchInvariance, EarlierStreams) {
  ExpectEqualHashes(40, [](const Case& c, std::mt19937_64& random) {
    const GraphImage graph = c.graph.Image();
    BeamSearch search(graph, c.options);
    const std::vector<float> other = RandomScores(c.frames, c.graph.units, 0.1, 1.0, random);
    search.Begin();
    EXPECT_TRUE(search.Advance(ScoreView(other.data(), c.frames, c.graph.units)).ok());
    search.Begin();
    EXPECT_TRUE(search.Advance(c.nll()).ok());
    return std::vector{SurvivorHash(*search.Finish())};
  });
}

// What the best path of each beam costs beyond the unpruned search's, summed over streams; no path counts 100.
std::vector<double> ExcessOfBeams(const std::vector<float>& beams, int rounds, std::mt19937_64& random) {
  std::vector<double> sum(beams.size(), 0.0);
  for (int round = 0; round < rounds; ++round) {
    const Case c(random);
    const GraphImage graph = c.graph.Image();
    SearchOptions options = c.options;
    options.max_active = 1 << 30;
    options.max_arcs_per_frame = int64_t{1} << 40;
    options.beam = INFINITY;
    const RawLattice unpruned = Search(graph, c.nll(), options);
    if (unpruned.partial) continue;
    const double least = BestPath(unpruned).cost;
    for (size_t b = 0; b < beams.size(); ++b) {
      options.beam = beams[b];
      const RawLattice lattice = Search(graph, c.nll(), options);
      const double excess = lattice.partial ? 100.0 : BestPath(lattice).cost - least;
      EXPECT_GE(excess, -kPathCostF32Abs) << "beam " << beams[b] << " round " << round;
      sum[b] += std::max(excess, 0.0);
    }
  }
  return sum;
}

TEST(SearchMonotonicity, NoBeamBeatsTheUnprunedSearchAndAWideOneEqualsIt) {
  std::mt19937_64 random(PropertySeed());
  EXPECT_LT(ExcessOfBeams({2.0f, 6.0f, 40.0f}, 15, random).back(), kPathCostF32Abs);
}

// A larger beam may lose what a smaller one found, because it lets better tokens live that then prune more: that wider is
// better holds on average only, so the streams are the same in every run.
TEST(SearchMonotonicity, WiderBeamsAreBetterOverManyStreams) {
  std::mt19937_64 random(1);
  const std::vector<double> sum = ExcessOfBeams({2.0f, 3.0f, 4.5f, 6.0f, 9.0f}, 60, random);
  for (size_t b = 1; b < sum.size(); ++b) EXPECT_LT(sum[b], sum[b - 1]);
  EXPECT_GT(sum.front(), 1.0);
}

TEST(SearchMonotonicity, SmallerLatticeBeamGivesASubset) {
  std::mt19937_64 random(PropertySeed());
  size_t total_small = 0, total_large = 0;
  for (int round = 0; round < 40; ++round) {
    const Case c(random);
    const GraphImage graph = c.graph.Image();
    using Arc = std::tuple<int32_t, uint32_t, uint16_t, bool, uint32_t, int32_t, uint32_t, uint16_t, bool>;
    const auto arcs_at = [&](float lattice_beam) {
      SearchOptions options = c.options;
      options.lattice_beam = lattice_beam;
      const RawLattice lattice = Search(graph, c.nll(), options);
      std::vector<Arc> arcs;
      for (const RawLatticeArc& arc : lattice.arcs) {
        const RawLatticeState &from = lattice.states[arc.source], &to = lattice.states[arc.destination];
        arcs.emplace_back(from.frame, from.orig_state, from.unit, from.entry, arc.cell, to.frame,
                          to.orig_state, to.unit, to.entry);
      }
      std::sort(arcs.begin(), arcs.end());
      return arcs;
    };
    const std::vector<Arc> small = arcs_at(1.0f), middle = arcs_at(2.5f), large = arcs_at(5.0f);
    ASSERT_TRUE(std::includes(middle.begin(), middle.end(), small.begin(), small.end()));
    ASSERT_TRUE(std::includes(large.begin(), large.end(), middle.begin(), middle.end()));
    total_small += small.size();
    total_large += large.size();
  }
  EXPECT_LT(total_small, total_large);
}

}  // namespace
}  // namespace skald::test
