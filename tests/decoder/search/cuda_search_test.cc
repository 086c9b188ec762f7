// The search on a CUDA device against the one on the CPU: all comparisons are of bits. Small inputs, so that
// the emulator is quick.

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <numeric>
#include <optional>

#include "base/cuda/device_buffer.h"
#include "decoder/search/cuda_beam_search.h"
#include "search_test_support.h"
#include "support/test_environment.h"
#include "test_graph.h"

namespace skald::test {
namespace {

using ::testing::HasSubstr;

class CudaSearch : public ::testing::Test {
 protected:
  void SetUp() override {
    if (CudaDeviceCount() == 0) GTEST_SKIP() << "no CUDA device";
    StatusOr<CudaStream> stream = CudaStream::Create(0);
    ASSERT_TRUE(stream.ok()) << stream.status().ToString();
    stream_.emplace(std::move(stream).value());
  }
  DeviceContext context() const { return stream_->context(); }

  std::optional<CudaStream> stream_;
};

template <typename T>
T Ok(StatusOr<T> result) {
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  SKALD_CHECK(result.ok(), "test cannot go on");
  return std::move(result).value();
}

void ExpectOk(const Status& status) { ASSERT_TRUE(status.ok()) << status.ToString(); }

/// Scores in device memory, rows a little apart.
class DeviceScores {
 public:
  DeviceScores(DeviceContext context, ScoreView nll) : stride_(nll.columns + 3) {
    std::vector<float> padded(static_cast<size_t>(nll.rows * stride_), NAN);
    for (int64_t r = 0; r < nll.rows; ++r) {
      std::copy_n(nll.data + r * nll.stride, nll.columns, padded.data() + r * stride_);
    }
    buffer_ = Ok(DeviceBuffer<float>::Create(std::max<size_t>(padded.size(), 1), "test scores"));
    ExpectOk(buffer_.CopyFrom(context, padded));
    EXPECT_EQ(cudaStreamSynchronize(context.stream), cudaSuccess);
    rows_ = nll.rows;
    columns_ = nll.columns;
  }
  ScoreView rows(int64_t first, int64_t count) const {
    return ScoreView(buffer_.data() + first * stride_, count, columns_, stride_);
  }
  ScoreView all() const { return rows(0, rows_); }
  int64_t count() const { return rows_; }

 private:
  int64_t stride_, rows_ = 0, columns_ = 0;
  DeviceBuffer<float> buffer_;
};

/// A stream on a graph big enough that every limit of `options` binds now and then.
struct Stream {
  int frames = 0;
  std::vector<float> scores;
  int units = 0;
  ScoreView nll() const { return {scores.data(), frames, units}; }
};

struct Case {
  TestGraph graph;
  SearchOptions options;
  std::vector<Stream> streams;

  explicit Case(std::mt19937_64& random, int stream_count = 1) {
    RandomGraphShape shape;
    shape.states = 50 + static_cast<int>(random() % 150);
    shape.units = 3 + static_cast<int>(random() % 20);
    shape.words = 50;
    shape.emitting_arcs = 4;
    graph = RandomGraph(shape, random);
    for (int i = 0; i < stream_count; ++i) {
      Stream stream;
      stream.frames = i == 1 ? static_cast<int>(random() % 2) : 10 + static_cast<int>(random() % 30);
      stream.units = shape.units;
      stream.scores = RandomScores(stream.frames, shape.units, 0.5, 2.0, random);
      streams.push_back(std::move(stream));
    }
    options.beam = std::uniform_real_distribution<float>(3.0f, 10.0f)(random);
    options.lattice_beam = std::uniform_real_distribution<float>(1.0f, 6.0f)(random);
    options.max_active = 5 + static_cast<int>(random() % 200);
    options.max_arcs_per_frame = 20 + static_cast<int>(random() % 200);
    options.prune_interval_frames = static_cast<int>(random() % 20);
    options.word_penalty = std::uniform_real_distribution<float>(-0.5f, 0.5f)(random);
    options.initial_tokens = 256;
  }

  /// Many tokens in every frame.
  static Case Wide(std::mt19937_64& random, int stream_count) {
    Case c(random, stream_count);
    RandomGraphShape shape;
    shape.states = 200;
    shape.units = 10;
    shape.words = 50;
    shape.emitting_arcs = 4;
    c.graph = RandomGraph(shape, random);
    for (uint32_t s = 1; s < 40; ++s) c.graph.states[0].arcs.push_back({s, 0.5f, 1, 0, 0});
    for (Stream& stream : c.streams) {
      stream.frames = 20;
      stream.units = shape.units;
      stream.scores = RandomScores(stream.frames, shape.units, 0.1, 0.5, random);
    }
    c.options.beam = 9.0f;
    c.options.max_active = 1 << 30;
    c.options.max_arcs_per_frame = 3000;
    return c;
  }

  std::vector<uint64_t> ExpectedHashes(SearchStatistics* total = nullptr) const {
    const GraphImage image = graph.Image();
    std::vector<uint64_t> hashes;
    for (const Stream& stream : streams) {
      SearchStatistics statistics;
      hashes.push_back(SurvivorHash(Search(image, stream.nll(), options, 0, &statistics)));
      if (total == nullptr) continue;
      total->collapsed_frames += statistics.collapsed_frames;
      total->max_active_frames += statistics.max_active_frames;
      total->capped_frames += statistics.capped_frames;
    }
    return hashes;
  }
};

/// Runs all streams at once, `chunk` rows at a time.
std::vector<RawLattice> SearchOnDevice(CudaBeamSearch& search, DeviceContext context,
                                       const std::vector<Stream>& streams, int64_t chunk) {
  std::vector<DeviceScores> scores;
  for (const Stream& stream : streams) scores.emplace_back(context, stream.nll());
  int64_t longest = 0;
  for (int c = 0; c < static_cast<int>(streams.size()); ++c) {
    search.Begin(c);
    longest = std::max(longest, scores[static_cast<size_t>(c)].count());
  }
  for (int64_t first = 0; first < longest; first += chunk) {
    std::vector<CudaBeamSearch::Chunk> chunks;
    for (size_t c = 0; c < streams.size(); ++c) {
      const int64_t count = std::min(chunk, scores[c].count() - first);
      if (count > 0) chunks.push_back({static_cast<int>(c), scores[c].rows(first, count)});
    }
    ExpectOk(search.Advance(chunks));
  }
  std::vector<RawLattice> lattices;
  for (size_t c = 0; c < streams.size(); ++c) lattices.push_back(Ok(search.Finish(static_cast<int>(c))));
  return lattices;
}

std::vector<uint64_t> HashesOnDevice(const Case& c, DeviceContext context, const CudaSearchShape& shape,
                                     int64_t chunk, const SearchOptions& options) {
  const GraphImage image = c.graph.Image();
  const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context, image));
  CudaBeamSearch search = Ok(CudaBeamSearch::Create(context, graph, options, shape));
  std::vector<uint64_t> hashes;
  for (const RawLattice& lattice : SearchOnDevice(search, context, c.streams, chunk)) {
    hashes.push_back(SurvivorHash(lattice));
  }
  return hashes;
}

CudaSearchShape Shape(int lanes, int channels, int slots = 512) {
  CudaSearchShape shape;
  shape.lanes = lanes;
  shape.channels = channels;
  shape.shared_hash_slots = slots;
  return shape;
}

TEST_F(CudaSearch, RandomGraphsGiveTheLatticeOfTheCpu) {
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

TEST_F(CudaSearch, StatisticsAndEndsOfTheLatticeAreThoseOfTheCpu) {
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

TEST_F(CudaSearch, LanesChunksAndLaneMatesChangeNothing) {
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

// As an engine does: streams end at different times, are finished while others are searched, and their
// channels go to the next stream.
TEST_F(CudaSearch, ChannelsAreUsedAgainWhileOthersGoOn) {
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

TEST_F(CudaSearch, OrderOfArcsAndNumbersOfStatesChangeNothing) {
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

TEST_F(CudaSearch, HashSeedSizeAndOverflowChangeNothing) {
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

TEST_F(CudaSearch, LanesThatStartTooSmallGrow) {
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
    std::vector<uint64_t> hashes;
    for (const RawLattice& lattice : SearchOnDevice(search, context(), c.streams, 16)) {
      hashes.push_back(SurvivorHash(lattice));
    }
    ASSERT_EQ(hashes, c.ExpectedHashes());
    EXPECT_GT(search.lane_bytes(), first_bytes);
    EXPECT_GT(search.repeated_launches(), 0);
  }
}

// Windows written before the output was full come a second time: only one of them may count.
TEST_F(CudaSearch, OutputThatIsTooSmallIsTakenUpAgain) {
  std::mt19937_64 random(PropertySeed());
  Case c = Case::Wide(random, 4);
  c.options.prune_interval_frames = 1;
  SearchOptions options = c.options;
  options.initial_tokens = 1;
  const GraphImage image = c.graph.Image();
  const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context(), image));
  CudaBeamSearch search = Ok(CudaBeamSearch::Create(context(), graph, options, Shape(2, 4)));
  std::vector<uint64_t> hashes;
  for (const RawLattice& lattice : SearchOnDevice(search, context(), c.streams, 100)) {
    hashes.push_back(SurvivorHash(lattice));
  }
  ASSERT_EQ(hashes, c.ExpectedHashes());
  EXPECT_GT(search.repeated_launches(), 0);
}

TEST_F(CudaSearch, PruningOptionsChangeNothing) {
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

TEST_F(CudaSearch, RepeatsGiveTheSameBits) {
  std::mt19937_64 random(PropertySeed());
  Case c(random, 2);
  c.streams[0].frames = std::min(c.streams[0].frames, 12);
  const std::vector<uint64_t> expected = c.ExpectedHashes();
  const GraphImage image = c.graph.Image();
  const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context(), image));
  CudaBeamSearch search = Ok(CudaBeamSearch::Create(context(), graph, c.options, Shape(2, 2)));
  for (int repeat = 0; repeat < 8; ++repeat) {
    std::vector<uint64_t> hashes;
    for (const RawLattice& lattice : SearchOnDevice(search, context(), c.streams, 8)) {
      hashes.push_back(SurvivorHash(lattice));
    }
    ASSERT_EQ(hashes, expected) << "repeat " << repeat;
  }
}

TEST_F(CudaSearch, EqualScoresHitTheCapAndTheTieRule) {
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

TEST_F(CudaSearch, UnitsAreLookedUpInStatesOfManyArcs) {
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

TEST_F(CudaSearch, HugeDegreeAndMoreUnitsThanSharedMemoryHolds) {
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

TEST_F(CudaSearch, EpsilonsFirstAndDeep) {
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

TEST_F(CudaSearch, InfiniteBeams) {
  std::mt19937_64 random(PropertySeed());
  Case c(random);
  c.options.beam = INFINITY;
  c.options.lattice_beam = INFINITY;
  c.streams[0].frames = 5;
  ASSERT_EQ(HashesOnDevice(c, context(), Shape(1, 1), 5, c.options), c.ExpectedHashes());
}

// The smallest beam at the largest scores: a smaller one would round to nothing.
TEST_F(CudaSearch, BeamAtTheResolutionOfCosts) {
  std::mt19937_64 random(PropertySeed());
  Case c = Case::Wide(random, 1);
  c.options.beam = 0.5f;
  std::fill(c.streams[0].scores.begin(), c.streams[0].scores.end(), -1e6f);
  for (int f = 0; f < c.streams[0].frames; ++f)
    c.streams[0].scores[static_cast<size_t>(f * c.streams[0].units)] = 1e6f;
  ASSERT_EQ(HashesOnDevice(c, context(), Shape(1, 1), 7, c.options), c.ExpectedHashes());
}

TEST_F(CudaSearch, NoRowsGiveTheStart) {
  std::mt19937_64 random(PropertySeed());
  Case c(random);
  c.streams[0].frames = 0;
  ASSERT_EQ(HashesOnDevice(c, context(), Shape(1, 1), 5, c.options), c.ExpectedHashes());
}

TEST_F(CudaSearch, BadScoresEndTheirStreamOnly) {
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

TEST_F(CudaSearch, WrongCallsAndShapesAreNamed) {
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

TEST_F(CudaSearch, TooManyLanesAreOutOfMemoryAndFewerWorkAfterwards) {
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

TEST_F(CudaSearch, GrowingBeyondTheDeviceTakesFewerLanes) {
  std::mt19937_64 random(PropertySeed());
  Case c = Case::Wide(random, 2);
  const std::vector<uint64_t> expected = c.ExpectedHashes();
  c.options.initial_tokens = 1;
  const GraphImage image = c.graph.Image();
  const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context(), image));
  CudaBeamSearch search = Ok(CudaBeamSearch::Create(context(), graph, c.options, Shape(512, 2)));
  // Nothing is left but what the lanes have: enough for some of a larger size, not for all.
  std::vector<DeviceBuffer<std::byte>> hog;
  for (size_t bytes = size_t{64} << 30; bytes >= size_t{64} << 10; bytes /= 2) {
    for (;;) {
      auto block = DeviceBuffer<std::byte>::Create(bytes, "nothing at all");
      if (!block.ok()) break;
      hog.push_back(std::move(block).value());
    }
  }
  std::vector<uint64_t> hashes;
  for (const RawLattice& lattice : SearchOnDevice(search, context(), c.streams, 16)) {
    hashes.push_back(SurvivorHash(lattice));
  }
  EXPECT_EQ(hashes, expected);
  EXPECT_LT(search.lanes(), 512);
  EXPECT_GT(search.lanes(), 0);
}

}  // namespace
}  // namespace skald::test
