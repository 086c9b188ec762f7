// The lattices of the search on a CUDA device are those of the CPU, bit for bit, whatever should not matter.

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>

#include "boosted_graph.h"
#include "cuda_search_test_support.h"
#include "kernels/search/lane_layout.h"
#include "search_test_support.h"
#include "support/test_environment.h"

namespace skald::test {
namespace {

class CudaSearchEquality : public CudaSearchTest {};
INSTANTIATE_TEST_SUITE_P(Variants, CudaSearchEquality, kCudaSearchVariants, CudaSearchVariantName);

TEST_P(CudaSearchEquality, RandomGraphsGiveTheLatticeOfTheCpu) {
  std::mt19937_64 random(PropertySeed());
  SearchStatistics total;
  for (int round = 0; round < 12; ++round) {
    const Case c(random);
    ASSERT_EQ(HashesOnDevice(c, context(), Shape(1, 1), 1 + static_cast<int64_t>(random() % 40), c.options),
              c.ExpectedHashes(&total))
        << "round " << round;
  }
  EXPECT_GT(total.collapsed_frames, 0);
  EXPECT_GT(total.max_active_frames, 0);
  EXPECT_GT(total.capped_frames, 0);
}

TEST_P(CudaSearchEquality, StatisticsAndEndsOfTheLatticeAreThoseOfTheCpu) {
  std::mt19937_64 random(PropertySeed());
  const Case c(random);
  const GraphImage image = c.graph.Image();
  SearchStatistics expected;
  const RawLattice on_cpu = Search(image, c.streams[0].nll(), c.options, 0, &expected);
  const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context(), image));
  CudaBeamSearch search = Ok(CudaBeamSearch::Create(context(), graph, c.options, Shape(1, 1)));
  const RawLattice lattice = std::move(SearchOnDevice(search, context(), c.streams, 7)[0]);
  EXPECT_EQ(lattice.partial, on_cpu.partial);
  EXPECT_EQ(lattice.frames, on_cpu.frames);
  EXPECT_EQ(lattice.smallest_beam, on_cpu.smallest_beam);
  EXPECT_EQ(lattice.lattice_beam, on_cpu.lattice_beam);
  ASSERT_EQ(lattice.states.size(), on_cpu.states.size());
  for (size_t s = 0; s < lattice.states.size(); ++s) {
    ASSERT_EQ(lattice.states[s].block, on_cpu.states[s].block);
    ASSERT_EQ(lattice.states[s].final_cost, on_cpu.states[s].final_cost);
  }
  const SearchStatistics statistics = search.statistics(0);
  EXPECT_EQ(statistics.frames, expected.frames);
  EXPECT_EQ(statistics.collapsed_frames, expected.collapsed_frames);
  EXPECT_EQ(statistics.tokens, expected.tokens);
  EXPECT_EQ(statistics.peak_tokens, expected.peak_tokens);
  EXPECT_EQ(statistics.arcs_kept, expected.arcs_kept);
  EXPECT_EQ(statistics.links_made, expected.links_made);
  EXPECT_EQ(statistics.max_active_frames, expected.max_active_frames);
  EXPECT_EQ(statistics.capped_frames, expected.capped_frames);
}

TEST_P(CudaSearchEquality, BoostedPhrasesGiveTheLatticeOfTheCpu) {
  std::mt19937_64 random(PropertySeed());
  SearchStatistics total;
  for (int round = 0; round < 10; ++round) {
    const BoostedCase c(random);
    const GraphImage image = c.graph.Image();
    SearchStatistics statistics;
    const RawLattice expected = Search(image, c.nll(), c.options, 0, &statistics, &c.automaton);
    const RawLattice plain = Search(image, c.nll(), c.options);
    const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context(), image));
    const CudaBoostAutomaton boost = Ok(CudaBoostAutomaton::Upload(context(), c.automaton));
    CudaBeamSearch search = Ok(CudaBeamSearch::Create(context(), graph, c.options, Shape(1, 2)));
    const DeviceScores scores(context(), c.nll());
    search.Begin(0, &boost);
    search.Begin(1);  // beside a stream that prefers nothing
    const int64_t chunk = 5 + static_cast<int64_t>(random() % 40);
    for (int64_t first = 0; first < c.frames; first += chunk) {
      const ScoreView rows = scores.rows(first, std::min<int64_t>(chunk, c.frames - first));
      const CudaBeamSearch::Chunk chunks[] = {{0, rows}, {1, rows}};
      ExpectOk(search.Advance(chunks));
    }
    ASSERT_EQ(SurvivorHash(Ok(search.Finish(0))), SurvivorHash(expected)) << "round " << round;
    ASSERT_EQ(SurvivorHash(Ok(search.Finish(1))), SurvivorHash(plain)) << "round " << round;
    total.max_active_frames += statistics.max_active_frames;
    total.capped_frames += statistics.capped_frames;
  }
  EXPECT_GT(total.max_active_frames, 0);
  EXPECT_GT(total.capped_frames, 0);
}

TEST_P(CudaSearchEquality, LanesChunksAndLaneMatesChangeNothing) {
  std::mt19937_64 random(PropertySeed());
  const Case c(random, 6);
  const std::vector<uint64_t> expected = c.ExpectedHashes();
  for (const int lanes : {1, 3, 6, 9}) {
    for (const int64_t chunk : {int64_t{3}, int64_t{16}}) {
      ASSERT_EQ(HashesOnDevice(c, context(), Shape(lanes, 6), chunk, c.options), expected)
          << lanes << " lanes, chunks of " << chunk;
    }
  }
}

TEST_P(CudaSearchEquality, OrderOfArcsAndNumbersOfStatesChangeNothing) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 3; ++round) {
    Case c(random);
    const std::vector<uint64_t> expected = c.ExpectedHashes();
    std::vector<uint32_t> new_number(c.graph.states.size()), old_number(c.graph.states.size());
    std::iota(new_number.begin(), new_number.end(), 0u);
    std::shuffle(new_number.begin(), new_number.end(), random);
    for (uint32_t s = 0; s < new_number.size(); ++s) old_number[new_number[s]] = s;
    const GraphImage image = Permuted(c.graph, new_number, random).Image();
    const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context(), image));
    CudaBeamSearch search = Ok(CudaBeamSearch::Create(context(), graph, c.options, Shape(1, 1)));
    ASSERT_EQ(SurvivorHash(SearchOnDevice(search, context(), c.streams, 11)[0], old_number), expected[0]);
  }
}

TEST_P(CudaSearchEquality, HashSeedSizeAndOverflowChangeNothing) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 3; ++round) {
    const Case c(random);
    const std::vector<uint64_t> expected = c.ExpectedHashes();
    for (const int slots : {32, 128, 4096}) {
      SearchOptions options = c.options;
      options.hash_seed = random();
      ASSERT_EQ(HashesOnDevice(c, context(), Shape(1, 1, slots), 16, options), expected) << slots << " slots";
    }
  }
}

TEST_P(CudaSearchEquality, PruningOptionsChangeNothing) {
  std::mt19937_64 random(PropertySeed());
  const Case c(random);
  const std::vector<uint64_t> expected = c.ExpectedHashes();
  for (const int interval : {0, 1, 7}) {
    for (const bool flag : {false, true}) {
      SearchOptions options = c.options;
      options.prune_interval_frames = interval;
      options.prune_links_early = flag;
      options.collapse_blanks = !flag;
      ASSERT_EQ(HashesOnDevice(c, context(), Shape(1, 1), 16, options), expected) << "interval " << interval;
    }
  }
}

// More tokens than a thread block takes in a turn, and each limit by itself and with the other.
TEST_P(CudaSearchEquality, ManyTokensUnderEachLimit) {
  std::mt19937_64 random(PropertySeed());
  for (const int max_active : {1 << 30, 300}) {
    for (const int max_arcs : {1 << 30, 600}) {
      Case c = Case::Wide(random, 2);
      c.options.initial_tokens = 2000;
      c.options.max_active = max_active;
      c.options.max_arcs_per_frame = max_arcs;
      SearchStatistics total;
      const std::vector<uint64_t> expected = c.ExpectedHashes(&total);
      EXPECT_EQ(total.max_active_frames > 0, max_active < 1 << 30);
      EXPECT_EQ(total.capped_frames > 0, max_arcs < 1 << 30);
      EXPECT_GT(total.peak_tokens, kLaneThreads);
      const GraphImage image = c.graph.Image();
      const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context(), image));
      CudaBeamSearch search = Ok(CudaBeamSearch::Create(context(), graph, c.options, Shape(2, 2)));
      ASSERT_EQ(HashesOnDevice(search, context(), c.streams, 11), expected)
          << "max_active " << max_active << ", max_arcs " << max_arcs;
      const size_t lane_bytes = search.lane_bytes();
      for (int repeat = 0; repeat < 2; ++repeat) {
        ASSERT_EQ(HashesOnDevice(search, context(), c.streams, 11), expected);
      }
      EXPECT_EQ(search.lane_bytes(), lane_bytes) << "memory that was enough fills up";
    }
  }
}

// Short chunks flush little where the window is carried; what is left of it is flushed with the last chunk or
// by Finish.
TEST_P(CudaSearchEquality, CarriedWindowsChangeNothing) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 4; ++round) {
    Case c(random, 3);
    c.options.lattice_beam = 0.5f * c.options.beam;
    c.options.prune_interval_frames = round == 0 ? 0 : 3 * round;
    const std::vector<uint64_t> expected = c.ExpectedHashes();
    const GraphImage image = c.graph.Image();
    const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context(), image));
    int64_t output_bytes[2];
    for (const bool carries : {false, true}) {
      CudaSearchShape shape = Shape(2, 3);
      if (!carries) shape.carried_window_bytes = 0;
      CudaBeamSearch search = Ok(CudaBeamSearch::Create(context(), graph, c.options, shape));
      ASSERT_EQ(HashesOnDevice(search, context(), c.streams, 1 + round), expected);
      output_bytes[carries] = search.output_bytes();

      search.Begin(0);
      const DeviceScores scores(context(), c.streams[0].nll());
      const CudaBeamSearch::Chunk first{0, scores.rows(0, 5)},
          last{0, scores.rows(5, scores.count() - 5), true};
      ExpectOk(search.Advance({&first, 1}));
      ExpectOk(search.Advance({&last, 1}));
      ExpectOk(search.Wait());
      const int64_t launches = search.launches();
      ASSERT_EQ(SurvivorHash(Ok(search.Finish(0))), expected[0]);
      EXPECT_EQ(search.launches(), launches);
    }
    if (GetParam().carried_window_bytes > 1 << 16) {
      EXPECT_LT(output_bytes[1], output_bytes[0]);
    }
  }
}

TEST_P(CudaSearchEquality, RepeatsGiveTheSameBits) {
  std::mt19937_64 random(PropertySeed());
  Case c(random, 2);
  c.streams[0].frames = std::min(c.streams[0].frames, 12);
  const std::vector<uint64_t> expected = c.ExpectedHashes();
  const GraphImage image = c.graph.Image();
  const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context(), image));
  CudaBeamSearch search = Ok(CudaBeamSearch::Create(context(), graph, c.options, Shape(2, 2)));
  for (int repeat = 0; repeat < (GetParam().carried_window_bytes == 0 ? 100 : 10); ++repeat) {
    ASSERT_EQ(HashesOnDevice(search, context(), c.streams, 8), expected) << "repeat " << repeat;
  }
}

}  // namespace
}  // namespace skald::test
