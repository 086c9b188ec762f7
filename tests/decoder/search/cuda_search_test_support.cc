#include "cuda_search_test_support.h"

#include <algorithm>
#include <cmath>

#include "search_test_support.h"

namespace skald::test {

DeviceScores::DeviceScores(DeviceContext context, ScoreView nll) : stride_(nll.columns + 3) {
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

Case::Case(std::mt19937_64& random, int stream_count) {
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

Case Case::Wide(std::mt19937_64& random, int stream_count) {
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

std::vector<uint64_t> Case::ExpectedHashes(SearchStatistics* total) const {
  const GraphImage image = graph.Image();
  std::vector<uint64_t> hashes;
  for (const Stream& stream : streams) {
    SearchStatistics statistics;
    hashes.push_back(SurvivorHash(Search(image, stream.nll(), options, 0, &statistics)));
    if (total == nullptr) continue;
    total->peak_tokens = std::max(total->peak_tokens, statistics.peak_tokens);
    total->collapsed_frames += statistics.collapsed_frames;
    total->max_active_frames += statistics.max_active_frames;
    total->capped_frames += statistics.capped_frames;
  }
  return hashes;
}
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

std::vector<uint64_t> HashesOnDevice(CudaBeamSearch& search, DeviceContext context,
                                     const std::vector<Stream>& streams, int64_t chunk) {
  std::vector<uint64_t> hashes;
  for (const RawLattice& lattice : SearchOnDevice(search, context, streams, chunk)) {
    hashes.push_back(SurvivorHash(lattice));
  }
  return hashes;
}

std::vector<uint64_t> HashesOnDevice(const Case& c, DeviceContext context, const CudaSearchShape& shape,
                                     int64_t chunk, const SearchOptions& options) {
  const GraphImage image = c.graph.Image();
  const CudaGraphImage graph = Ok(CudaGraphImage::Upload(context, image));
  CudaBeamSearch search = Ok(CudaBeamSearch::Create(context, graph, options, shape));
  return HashesOnDevice(search, context, c.streams, chunk);
}

void CudaSearchTest::SetUp() {
  if (CudaDeviceCount() == 0) GTEST_SKIP() << "no CUDA device";
  stream_.emplace(Ok(CudaStream::Create(0)));
}

CudaSearchShape CudaSearchTest::Shape(int lanes, int channels, int slots) const {
  CudaSearchShape shape;
  shape.lanes = lanes;
  shape.channels = channels;
  shape.shared_hash_slots = slots;
  shape.method = GetParam().method;
  shape.carried_window_bytes = GetParam().carried_window_bytes;
  shape.frame_blocks = 3;
  shape.frames_per_graph = 4;
  return shape;
}

}  // namespace skald::test
