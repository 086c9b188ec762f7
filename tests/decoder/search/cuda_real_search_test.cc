// Recorded speech on the English graph: the lattice of the CUDA device is the one of the CPU, bit for bit.

#include <cstdio>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/cuda/device_buffer.h"
#include "base/npy.h"
#include "base/token_list.h"
#include "decoder/graph/graph_builder.h"
#include "decoder/search/cuda_beam_search.h"
#include "search_test_support.h"
#include "support/test_environment.h"

namespace skald::test {
namespace {

struct Head {
  const char* name;
  LexiconKind lexicon_kind;
  const char* lexicon;
  float acoustic_scale;
};

const std::string kBundle = "models/en-base/";

/// Bigrams only, for speed; kept, as building takes longer than searching.
const GraphImage& GraphOf(const Head& head) {
  static std::map<std::string, GraphImage> graphs;
  const auto found = graphs.find(head.name);
  if (found != graphs.end()) return found->second;
  GraphSources sources;
  sources.units = ReadTokenList(ProjectPath(kBundle + "tokens_" + head.name + ".txt")).value();
  sources.language_model_path = ProjectPath(kBundle + "lm.arpa.gz");
  sources.lexicon_kind = head.lexicon_kind;
  if (head.lexicon != nullptr) sources.lexicon_path = ProjectPath(kBundle + head.lexicon);
  GraphOptions options;
  options.max_order = 2;
  return graphs.emplace(head.name, BuildGraph(sources, options).value()).first->second;
}

class CudaRealSearch : public ::testing::TestWithParam<std::tuple<Head, CudaSearchMethod>> {};

TEST_P(CudaRealSearch, GivesTheLatticeOfTheCpu) {
  if (CudaDeviceCount() == 0) GTEST_SKIP() << "no CUDA device";
  const auto& [head, method] = GetParam();
  const GraphImage& image = GraphOf(head);
  const SearchOptions options;
  const CudaStream stream = CudaStream::Create(0).value();
  const CudaGraphImage graph = CudaGraphImage::Upload(stream.context(), image).value();
  CudaSearchShape shape;
  shape.lanes = 2;
  shape.channels = 3;
  shape.method = method;
  shape.frame_blocks = 8;
  std::vector<uint64_t> expected;
  std::vector<DeviceBuffer<float>> buffers;
  std::vector<ScoreView> views;
  SearchStatistics total;
  for (const char* name : {"short", "jfk", "long15"}) {
    const NpyArray log_probs =
        ReadNpy(ProjectPath(kBundle + "golden/" + name + ".logprobs_" + head.name + ".npy")).value();
    const int64_t rows = std::min<int64_t>(log_probs.shape[0], 300), columns = log_probs.shape[1];
    std::vector<float> nll;
    for (int64_t i = 0; i < rows * columns; ++i)
      nll.push_back(-head.acoustic_scale * log_probs.values[static_cast<size_t>(i)]);
    SearchStatistics statistics;
    expected.push_back(
        SurvivorHash(Search(image, ScoreView(nll.data(), rows, columns), options, 0, &statistics)));
    total.frames += statistics.frames;
    total.collapsed_frames += statistics.collapsed_frames;
    total.tokens += statistics.tokens;
    total.peak_tokens = std::max(total.peak_tokens, statistics.peak_tokens);
    buffers.push_back(DeviceBuffer<float>::Create(nll.size(), "test scores").value());
    ASSERT_TRUE(buffers.back().CopyFrom(stream.context(), nll).ok());
    views.emplace_back(buffers.back().data(), rows, columns);
  }
  ASSERT_TRUE(stream.Synchronize().ok());
  const auto print = [](const char* what, int64_t value) {
    std::printf("%s %lld\n", what, static_cast<long long>(value));
  };
  print("frames of the streams", total.frames);
  print("of these collapsed", total.collapsed_frames);
  print("tokens", total.tokens);
  print("most tokens of a frame", total.peak_tokens);
  struct Run {
    int64_t chunk;
    size_t carried_window_bytes;
  };
  const std::vector<Run> lane_runs = {{300, 0}, {32, 0}, {32, 512 << 10}}, frame_runs = {{300, 0}};
  std::vector<int64_t> output_bytes;
  for (const auto& [chunk, carried_window_bytes] :
       method == CudaSearchMethod::kLanes ? lane_runs : frame_runs) {
    shape.carried_window_bytes = carried_window_bytes;
    CudaBeamSearch search = CudaBeamSearch::Create(stream.context(), graph, options, shape).value();
    for (int c = 0; c < 3; ++c) search.Begin(c);
    for (int64_t first = 0; first < 300; first += chunk) {
      std::vector<CudaBeamSearch::Chunk> chunks;
      for (int c = 0; c < 3; ++c) {
        const ScoreView& view = views[static_cast<size_t>(c)];
        const int64_t count = std::min(chunk, view.rows - first);
        if (count > 0) chunks.push_back({c, view.Rows(first, count), first + count == view.rows});
      }
      ASSERT_TRUE(search.Advance(chunks).ok());
    }
    for (int c = 0; c < 3; ++c) {
      const RawLattice lattice = search.Finish(c).value();
      EXPECT_EQ(SurvivorHash(lattice), expected[static_cast<size_t>(c)])
          << "stream " << c << ", chunk " << chunk;
      EXPECT_GT(lattice.arcs.size(), 100u);
    }
    output_bytes.push_back(search.output_bytes());
    print("rows of a chunk", chunk);
    print("  bytes for carried windows", static_cast<int64_t>(carried_window_bytes));
    print("  launches", search.launches());
    print("  graph launches", search.graph_launches());
    print("  bytes of output a frame", search.output_bytes() / total.frames);
    print("  bytes of a channel", static_cast<int64_t>(search.channel_bytes()));
  }
  if (method == CudaSearchMethod::kLanes) {
    EXPECT_LT(output_bytes[2], output_bytes[1]);
  }
}

INSTANTIATE_TEST_SUITE_P(
    English, CudaRealSearch,
    ::testing::Combine(::testing::Values(Head{"char", LexiconKind::kCharacters, nullptr, 0.5f},
                                         Head{"phone", LexiconKind::kPronunciations, "pronunciations.txt.gz",
                                              0.5f},
                                         Head{"bpe", LexiconKind::kPieces, "bpe.model", 1.0f}),
                       ::testing::Values(CudaSearchMethod::kLanes, CudaSearchMethod::kFrames)),
    [](const auto& test) {
      return std::string(std::get<0>(test.param).name) +
             (std::get<1>(test.param) == CudaSearchMethod::kLanes ? "_lanes" : "_frames");
    });

}  // namespace
}  // namespace skald::test
