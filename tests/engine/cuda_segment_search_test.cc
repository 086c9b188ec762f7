
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <random>

#include "base/cuda/device_buffer.h"
#include "decoder/search/beam_search.h"
#include "engine/device_segment_search.h"
#include "engine/scorer.h"
#include "engine/segment_search.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using ::testing::HasSubstr;

constexpr int kUnits = 6;

/// A loop over five words of one unit each, and their pairs.
GraphImage Words() {
  GraphImageBuilder builder({"<blk>", "a", "b", "c", "d", "e"}, {"", "A", "B", "C", "D", "E"});
  std::vector<GraphImageBuilder::Arc> arcs;
  for (uint16_t unit = 1; unit < kUnits; ++unit) arcs.push_back({0, 0.5f, unit, kArcWordStart, unit});
  for (uint16_t unit = 1; unit < kUnits; ++unit) arcs.push_back({1, 0.9f, unit, kArcWordStart, unit});
  builder.AddState(0.0f, arcs);
  arcs.clear();
  for (uint16_t unit = 1; unit < kUnits; ++unit) arcs.push_back({0, 0.4f, unit, kArcWordStart, unit});
  builder.AddState(0.3f, arcs);
  builder.SetStart(0);
  return std::move(builder).Build().value();
}

ScoreMatrix RandomScores(int64_t frames, std::mt19937_64& random) {
  ScoreMatrix scores(frames, kUnits);
  std::exponential_distribution<float> nll(0.5f);
  for (float& score : scores.nll) score = nll(random);
  return scores;
}

ScoreRows OnDevice(const ScoreRows& host) { return CopyToDevice(host, 0).value(); }

class CudaSegmentSearchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (UsableCudaDevices() == 0) GTEST_SKIP() << "no CUDA device and no emulator";
    options_.beam = 12;
    options_.lattice_beam = 6;
    options_.initial_tokens = 64;
  }

  std::unique_ptr<DeviceSegmentSearch> Make(int lanes, int channels, int64_t chunk_frames) {
    auto searches = MakeCudaSegmentSearches(graph_, options_, {lanes, channels, chunk_frames}, 0, 1);
    EXPECT_TRUE(searches.ok()) << searches.status().ToString();
    return std::move(searches->front());
  }

  uint64_t HashOnCpu(const ScoreSegment& segment) {
    SegmentSearch search(graph_, options_);
    return SurvivorHash(search.Search(segment).value());
  }

  /// Segments of random lengths in one to four pieces, every other one in device memory.
  std::vector<ScoreSegment> Segments(int count, std::mt19937_64& random, std::vector<uint64_t>* hashes) {
    std::vector<ScoreSegment> segments;
    for (int i = 0; i < count; ++i) {
      ScoreSegment segment;
      for (size_t pieces = 1 + random() % 4; pieces > 0; --pieces) {
        segment.pieces.push_back(
            MakeHostScores(RandomScores(1 + static_cast<int64_t>(random() % 20), random)));
      }
      hashes->push_back(HashOnCpu(segment));
      for (ScoreRows& piece : segment.pieces) {
        if (random() % 2 == 0) piece = OnDevice(piece);
      }
      segments.push_back(std::move(segment));
    }
    return segments;
  }

  /// Feeds segments as channels become free; tickets are indices.
  static std::vector<SearchedSegment> SearchAll(DeviceSegmentSearch* search,
                                                std::vector<ScoreSegment> segments) {
    std::vector<SearchedSegment> done;
    size_t next = 0;
    while (next < segments.size() || !search->idle()) {
      while (next < segments.size() && search->free_channels() > 0) {
        search->Begin(next, std::move(segments[next]));
        ++next;
      }
      search->Step(&done);
    }
    std::sort(done.begin(), done.end(), [](const auto& a, const auto& b) { return a.ticket < b.ticket; });
    return done;
  }

  const GraphImage graph_ = Words();
  SearchOptions options_;
};

TEST_F(CudaSegmentSearchTest, GivesTheLatticesOfTheCpuForAnyLanesAndChunks) {
  std::mt19937_64 random(test::PropertySeed());
  for (const auto& [lanes, channels, chunk_frames] :
       {std::tuple{1, 1, 100}, std::tuple{2, 5, 7}, std::tuple{4, 4, 1}}) {
    std::vector<uint64_t> hashes;
    std::vector<ScoreSegment> segments = Segments(9, random, &hashes);
    const auto search = Make(lanes, channels, chunk_frames);
    const std::vector<SearchedSegment> done = SearchAll(search.get(), std::move(segments));
    ASSERT_EQ(done.size(), hashes.size());
    for (size_t i = 0; i < done.size(); ++i) {
      EXPECT_EQ(done[i].ticket, i);
      ASSERT_TRUE(done[i].lattice.ok()) << done[i].lattice.status().ToString();
      EXPECT_EQ(SurvivorHash(*done[i].lattice), hashes[i]) << lanes << " lanes, segment " << i;
    }
  }
}

TEST_F(CudaSegmentSearchTest, HoldsScoresUntilTheSegmentIsHandedBack) {
  std::mt19937_64 random(test::PropertySeed());
  ScoreSegment segment;
  segment.pieces.push_back(OnDevice(MakeHostScores(RandomScores(5, random))));
  const std::weak_ptr<const void> owner = segment.pieces[0].owner;
  const auto search = Make(1, 1, 100);
  search->Begin(0, std::move(segment));
  std::vector<SearchedSegment> done;
  search->Step(&done);
  EXPECT_TRUE(done.empty());
  EXPECT_FALSE(owner.expired()) << "the launch under way reads them";
  search->Step(&done);
  EXPECT_EQ(done.size(), 1u);
  EXPECT_TRUE(owner.expired());
}

TEST_F(CudaSegmentSearchTest, BadScoresFailAlone) {
  std::mt19937_64 random(test::PropertySeed());
  std::vector<uint64_t> hashes;
  std::vector<ScoreSegment> segments = Segments(4, random, &hashes);
  ScoreMatrix bad = RandomScores(30, random);
  bad.nll[8 * kUnits + 2] = NAN;
  segments[1] = {};
  segments[1].pieces.push_back(MakeHostScores(std::move(bad)));
  segments[2] = {};
  segments[2].pieces.push_back(MakeHostScores(ScoreMatrix(5, kUnits + 1)));
  const auto search = Make(2, 3, 6);
  const std::vector<SearchedSegment> done = SearchAll(search.get(), std::move(segments));
  ASSERT_EQ(done.size(), 4u);
  EXPECT_EQ(SurvivorHash(*done[0].lattice), hashes[0]);
  EXPECT_EQ(SurvivorHash(*done[3].lattice), hashes[3]);
  EXPECT_EQ(done[1].lattice.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(done[1].lattice.status().ToString(), HasSubstr("frame 8"));
  EXPECT_THAT(done[2].lattice.status().ToString(), HasSubstr("columns"));
}

/// Takes all device memory but `left` bytes.
std::vector<DeviceBuffer<std::byte>> TakeMemory(size_t left) {
  const auto kept = DeviceBuffer<std::byte>::Create(left, "what stays free");
  EXPECT_TRUE(kept.ok());
  std::vector<DeviceBuffer<std::byte>> taken;
  for (size_t bytes = size_t{1} << 38; bytes >= size_t{1} << 16;) {
    auto buffer = DeviceBuffer<std::byte>::Create(bytes, "the rest");
    if (buffer.ok()) {
      taken.push_back(std::move(*buffer));
    } else {
      bytes /= 2;
    }
  }
  return taken;
}

TEST_F(CudaSegmentSearchTest, ShortMemoryMeansFewerLanes) {
  options_.initial_tokens = 4096;
  const auto memory = TakeMemory(size_t{100} << 20);
  auto searches = MakeCudaSegmentSearches(graph_, options_, {64, 0, 100}, 0, 1);
  ASSERT_TRUE(searches.ok()) << searches.status().ToString();
  EXPECT_LT(searches->front()->counts().lanes, 64);
  EXPECT_GE(searches->front()->counts().lanes, 1);

  const auto more = TakeMemory(1 << 20);
  EXPECT_EQ(MakeCudaSegmentSearches(graph_, options_, {64, 0, 100}, 0, 1).status().code(),
            StatusCode::kDeviceOutOfMemory);
}

TEST_F(CudaSegmentSearchTest, SegmentsThatOutgrowTheMemoryComeBackForTheCpu) {
  // A fan of states with more tokens than initial_tokens makes room for.
  GraphImageBuilder builder({"<blk>", "a", "b", "c", "d", "e"}, {"", "A"});
  std::vector<GraphImageBuilder::Arc> arcs;
  constexpr uint32_t kFan = 20000;
  for (uint32_t state = 1; state <= kFan; ++state) arcs.push_back({state, 0.5f, 1, kArcWordStart, 1});
  builder.AddState(0.0f, arcs);
  for (uint32_t state = 1; state <= kFan; ++state) builder.AddState(0.0f, {});
  builder.SetStart(0);
  const GraphImage fan = std::move(builder).Build().value();
  options_.max_active = 100000;

  auto searches = MakeCudaSegmentSearches(fan, options_, {2, 2, 100}, 0, 1);
  ASSERT_TRUE(searches.ok()) << searches.status().ToString();
  std::mt19937_64 random(test::PropertySeed());
  ScoreSegment segment;
  segment.first_frame = 7;
  segment.pieces.push_back(MakeHostScores(RandomScores(2, random)));
  segment.pieces.push_back(MakeHostScores(RandomScores(2, random)));
  SegmentSearch cpu(fan, options_);
  const uint64_t expected = SurvivorHash(cpu.Search(segment).value());
  for (ScoreRows& piece : segment.pieces) piece = OnDevice(piece);
  {
    const auto memory = TakeMemory(1 << 18);
    std::vector<ScoreSegment> one;
    one.push_back(segment);
    const auto done = SearchAll(searches->front().get(), std::move(one));
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].lattice.status().code(), StatusCode::kDeviceOutOfMemory);
    EXPECT_EQ(done[0].segment->first_frame, 7);
    EXPECT_EQ(SurvivorHash(cpu.Search(*done[0].segment).value()), expected);
  }
  // With memory again, the same search goes on.
  std::vector<ScoreSegment> again;
  again.push_back(segment);
  const auto done = SearchAll(searches->front().get(), std::move(again));
  ASSERT_TRUE(done.at(0).lattice.ok()) << done[0].lattice.status().ToString();
  EXPECT_EQ(SurvivorHash(*done[0].lattice), expected);
}

}  // namespace
}  // namespace skald
