// Memory of the search on a CUDA device: it grows where frames need more, and is shared where there is too
// little.

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cuda_search_test_support.h"
#include "search_test_support.h"
#include "support/test_environment.h"

namespace skald::test {
namespace {

using ::testing::HasSubstr;

class CudaSearchMemory : public CudaSearchTest {};
class CudaLaneMemory : public CudaSearchTest {};
INSTANTIATE_TEST_SUITE_P(Variants, CudaLaneMemory,
                         ::testing::Values(CudaSearchVariant{"Lanes", CudaSearchMethod::kLanes, 0},
                                           CudaSearchVariant{"LanesCarrying", CudaSearchMethod::kLanes,
                                                             1 << 20}),
                         CudaSearchVariantName);
INSTANTIATE_TEST_SUITE_P(Variants, CudaSearchMemory, kCudaSearchVariants, CudaSearchVariantName);

TEST_P(CudaSearchMemory, LanesThatStartTooSmallGrow) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 2; ++round) {
    Case c = Case::Wide(random, 3);
    c.options.max_arcs_per_frame = round == 0 ? int64_t{1} << 40 : 400;
    SearchOptions options = c.options;
    options.initial_tokens = 1;
    const GraphImage image = c.graph.Image();
    const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context(), image));
    CudaBeamSearch search = Ok(CudaBeamSearch::Create(context(), graph, options, Shape(2, 3)));
    const size_t first_bytes = search.lane_bytes();
    ASSERT_EQ(HashesOnDevice(search, context(), c.streams, 16), c.ExpectedHashes());
    EXPECT_GT(search.lane_bytes(), first_bytes);
    EXPECT_GT(search.repeated_launches(), 0);
  }
}

// Windows written before the output was full come a second time: only one of them may count.
TEST_P(CudaSearchMemory, OutputThatIsTooSmallIsTakenUpAgain) {
  std::mt19937_64 random(PropertySeed());
  Case c = Case::Wide(random, 4);
  c.options.prune_interval_frames = 1;
  SearchOptions options = c.options;
  options.initial_tokens = 1;
  const GraphImage image = c.graph.Image();
  const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context(), image));
  CudaBeamSearch search = Ok(CudaBeamSearch::Create(context(), graph, options, Shape(2, 4)));
  ASSERT_EQ(HashesOnDevice(search, context(), c.streams, 100), c.ExpectedHashes());
  EXPECT_GT(search.repeated_launches(), 0);
}

TEST_P(CudaLaneMemory, TooManyLanesAreOutOfMemoryAndFewerWorkAfterwards) {
  std::mt19937_64 random(PropertySeed());
  const Case c(random);
  const GraphImage image = c.graph.Image();
  const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context(), image));
  const auto failed = CudaBeamSearch::Create(context(), graph, c.options, Shape(100'000'000, 1));
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.status().code(), StatusCode::kDeviceOutOfMemory);
  EXPECT_THAT(failed.status().reason(), HasSubstr("lanes of the search"));
  CudaBeamSearch search = Ok(CudaBeamSearch::Create(context(), graph, c.options, Shape(2, 1)));
  EXPECT_EQ(SurvivorHash(SearchOnDevice(search, context(), c.streams, 16)[0]), c.ExpectedHashes()[0]);
}

// One stream with very many tokens for a while does not make all lanes larger: it is searched by frames for
// as long, whatever is searched beside it.
TEST_P(CudaLaneMemory, StreamsThatOutgrowLanesAreSearchedByFramesForAWhile) {
  std::mt19937_64 random(PropertySeed());
  Case c = Case::Wide(random, 3);
  c.options.prune_interval_frames = 4;
  for (Stream& stream : c.streams) {
    stream.frames = 36;
    stream.scores = RandomScores(36, stream.units, 0.1, 8.0, random);
  }
  const std::vector<float> flat = RandomScores(12, c.streams[0].units, 0, 0.3, random);
  std::copy(flat.begin(), flat.end(), c.streams[0].scores.begin() + 10 * c.streams[0].units);
  SearchOptions options = c.options;
  SearchStatistics total;
  const std::vector<uint64_t> expected = c.ExpectedHashes(&total);
  options.initial_tokens = static_cast<int>(total.peak_tokens * 6 / 10);
  const GraphImage image = c.graph.Image();
  const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context(), image));
  CudaSearchShape shape = Shape(2, 3);
  shape.lane_memory_limit_bytes = 1;
  CudaBeamSearch search = Ok(CudaBeamSearch::Create(context(), graph, options, shape));
  const size_t first_bytes = search.lane_bytes();
  for (const int64_t chunk : {5, 36}) {
    ASSERT_EQ(HashesOnDevice(search, context(), c.streams, chunk), expected) << "chunks of " << chunk;
  }

  const DeviceScores scores(context(), c.streams[0].nll());
  std::vector<int64_t> frame_searches = {search.frame_searches()};
  search.Begin(0);
  for (int64_t row = 0; row < 36; row += 3) {
    const CudaBeamSearch::Chunk chunk{0, scores.rows(row, 3)};
    ExpectOk(search.Advance({&chunk, 1}));
    ExpectOk(search.Wait());
    frame_searches.push_back(search.frame_searches());
  }
  EXPECT_EQ(SurvivorHash(Ok(search.Finish(0))), expected[0]);
  EXPECT_EQ(frame_searches[1], frame_searches[0]) << "not by lanes at first";
  EXPECT_GT(frame_searches[12], frame_searches[1]) << "never by frames";
  EXPECT_EQ(frame_searches[12], frame_searches[11]) << "did not come back";
  EXPECT_EQ(search.lane_bytes(), first_bytes);
  EXPECT_EQ(search.lanes(), 2);
}

TEST_P(CudaLaneMemory, GrowingBeyondTheDeviceTakesFewerLanes) {
  constexpr int kLanes = 512;
  std::mt19937_64 random(PropertySeed());
  Case c = Case::Wide(random, 2);
  const std::vector<uint64_t> expected = c.ExpectedHashes();
  c.options.initial_tokens = 1;
  const GraphImage image = c.graph.Image();
  const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context(), image));
  CudaBeamSearch search = Ok(CudaBeamSearch::Create(context(), graph, c.options, Shape(kLanes, 2)));
  // Nothing is left but what the lanes have: enough for some of a larger size, not for all.
  std::vector<DeviceBuffer<std::byte>> hog;
  for (size_t bytes = size_t{64} << 30; bytes >= size_t{64} << 10; bytes /= 2) {
    for (;;) {
      auto block = DeviceBuffer<std::byte>::Create(bytes, "nothing at all");
      if (!block.ok()) break;
      hog.push_back(std::move(block).value());
    }
  }
  EXPECT_EQ(HashesOnDevice(search, context(), c.streams, 16), expected);
  EXPECT_LT(search.lanes(), kLanes);
  EXPECT_GT(search.lanes(), 0);
}

}  // namespace
}  // namespace skald::test
