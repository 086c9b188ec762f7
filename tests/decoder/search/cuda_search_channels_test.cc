// Channels of the search on a CUDA device: streams come and go, fail alone, wrong calls are named.

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cuda_search_test_support.h"
#include "search_test_support.h"
#include "support/test_environment.h"

namespace skald::test {
namespace {

using ::testing::HasSubstr;

class CudaSearchChannels : public CudaSearchTest {};
INSTANTIATE_TEST_SUITE_P(Variants, CudaSearchChannels, kCudaSearchVariants, CudaSearchVariantName);

// As an engine does: streams end at different times, are finished while others are searched, and their
// channels go to the next stream.
TEST_P(CudaSearchChannels, ChannelsAreUsedAgainWhileOthersGoOn) {
  std::mt19937_64 random(PropertySeed());
  const Case c(random, 9);
  const std::vector<uint64_t> expected = c.ExpectedHashes();
  const GraphImage image = c.graph.Image();
  const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context(), image));
  CudaBeamSearch search = Ok(CudaBeamSearch::Create(context(), graph, c.options, Shape(2, 3)));
  std::vector<DeviceScores> scores;
  for (const Stream& stream : c.streams) scores.emplace_back(context(), stream.nll());
  struct Slot {
    size_t stream = 0;
    int64_t row = 0;
    bool open = false;
  };
  std::vector<Slot> slots(3);
  std::vector<std::pair<int, size_t>> ended;  // channel, stream: all rows are queued
  size_t next_stream = 0, finished = 0;
  while (finished < c.streams.size()) {
    std::vector<CudaBeamSearch::Chunk> chunks;
    std::vector<std::pair<int, size_t>> ending;
    for (int channel = 0; channel < 3; ++channel) {
      Slot& slot = slots[static_cast<size_t>(channel)];
      const bool waits =
          std::any_of(ended.begin(), ended.end(), [&](const auto& e) { return e.first == channel; });
      if (!slot.open && !waits && next_stream < c.streams.size()) {
        slot = {next_stream++, 0, true};
        search.Begin(channel);
      }
      if (!slot.open) continue;
      const int64_t count =
          std::min<int64_t>(1 + static_cast<int64_t>(random() % 15), scores[slot.stream].count() - slot.row);
      chunks.push_back({channel, scores[slot.stream].rows(slot.row, count)});
      slot.row += count;
      if (slot.row < scores[slot.stream].count()) continue;
      slot.open = false;
      ending.emplace_back(channel, slot.stream);
    }
    ExpectOk(search.Advance(chunks));
    for (const auto& [channel, stream] : ended) {
      ASSERT_EQ(SurvivorHash(Ok(search.Finish(channel))), expected[stream]) << "stream " << stream;
      ++finished;
    }
    ended = ending;
  }
}

TEST_P(CudaSearchChannels, BadScoresEndTheirStreamOnly) {
  std::mt19937_64 random(PropertySeed());
  Case c(random, 3);
  const std::vector<uint64_t> expected = c.ExpectedHashes();
  const GraphImage image = c.graph.Image();
  const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context(), image));
  CudaBeamSearch search = Ok(CudaBeamSearch::Create(context(), graph, c.options, Shape(2, 3)));
  for (const float bad : {NAN, -INFINITY, 2e6f, INFINITY}) {
    const int unit = bad == INFINITY ? 0 : 2;
    std::vector<Stream> streams = c.streams;
    streams[2].scores[static_cast<size_t>(3 * streams[2].units + unit)] = bad;
    std::vector<DeviceScores> scores;
    for (const Stream& stream : streams) scores.emplace_back(context(), stream.nll());
    for (const int channel : {0, 2}) search.Begin(channel);
    const CudaBeamSearch::Chunk first[] = {{0, scores[0].rows(0, 2)}, {2, scores[2].rows(0, 2)}};
    ExpectOk(search.Advance(first));
    const CudaBeamSearch::Chunk rest[] = {{0, scores[0].rows(2, scores[0].count() - 2)},
                                          {2, scores[2].rows(2, scores[2].count() - 2)}};
    ExpectOk(search.Advance(rest));
    EXPECT_EQ(SurvivorHash(Ok(search.Finish(0))), expected[0]);
    EXPECT_EQ(search.channel_status(2).position(), "frame 3");
    const StatusOr<RawLattice> failed = search.Finish(2);
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(failed.status().position(), "frame 3");
    EXPECT_THAT(failed.status().reason(), HasSubstr("unit " + std::to_string(unit) + " "));
  }
  search.Begin(2);
  const DeviceScores scores(context(), c.streams[2].nll());
  const CudaBeamSearch::Chunk all[] = {{2, scores.all()}};
  ExpectOk(search.Advance(all));
  EXPECT_EQ(SurvivorHash(Ok(search.Finish(2))), expected[2]);
}

TEST_P(CudaSearchChannels, WrongCallsAndShapesAreNamed) {
  std::mt19937_64 random(PropertySeed());
  const Case c(random);
  const GraphImage image = c.graph.Image();
  const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context(), image));
  const auto reason = [&](const CudaSearchShape& shape) {
    return CudaBeamSearch::Create(context(), graph, c.options, shape).status().reason();
  };
  EXPECT_THAT(reason(Shape(0, 1)), HasSubstr("lanes"));
  EXPECT_THAT(reason(Shape(1, 0)), HasSubstr("channels"));
  EXPECT_THAT(reason(Shape(1, 1, 100)), HasSubstr("shared_hash_slots"));
  CudaBeamSearch search = Ok(CudaBeamSearch::Create(context(), graph, c.options, Shape(1, 2)));
  EXPECT_THAT(search.Finish(0).status().reason(), HasSubstr("not begun"));
  EXPECT_THAT(search.Finish(5).status().reason(), HasSubstr("no such channel"));
  search.Begin(0);
  const DeviceScores scores(context(), c.streams[0].nll());
  const CudaBeamSearch::Chunk twice[] = {{0, scores.rows(0, 1)}, {0, scores.rows(1, 1)}};
  EXPECT_THAT(search.Advance(twice).reason(), HasSubstr("two chunks for channel 0"));
  ScoreView narrow = scores.rows(0, 1);
  --narrow.columns;
  const CudaBeamSearch::Chunk wrong[] = {{0, narrow}};
  ExpectOk(search.Advance(wrong));
  EXPECT_THAT(search.Finish(0).status().reason(), HasSubstr("columns"));
  EXPECT_GT(Ok(CudaBeamSearch::ResidentLanes(image, Shape(1, 1))), 0);
  EXPECT_LE(search.channel_bytes(), size_t{2} << 20);
}

}  // namespace
}  // namespace skald::test
