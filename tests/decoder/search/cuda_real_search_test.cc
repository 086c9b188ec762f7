// Recorded speech on the English graph: the lattice of the CUDA device is the one of the CPU, bit for bit.

#include <gtest/gtest.h>
#include <vector>

#include "base/cuda/device_buffer.h"
#include "base/npy.h"
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

class CudaRealSearch : public ::testing::TestWithParam<Head> {};

TEST_P(CudaRealSearch, GivesTheLatticeOfTheCpu) {
  const std::string head = GetParam().name, bundle = ProjectPath("models/en-base/");
  if (CudaDeviceCount() == 0) GTEST_SKIP() << "no CUDA device";
  GraphSources sources;
  sources.units = ReadUnits(bundle + "tokens_" + head + ".txt").value();
  sources.language_model_path = bundle + "lm.arpa.gz";
  sources.lexicon_kind = GetParam().lexicon_kind;
  if (GetParam().lexicon != nullptr) sources.lexicon_path = bundle + GetParam().lexicon;
  GraphOptions graph_options;
  graph_options.max_order = 2;  // for speed
  const GraphImage image = BuildGraph(sources, graph_options).value();
  const SearchOptions options;

  const CudaStream stream = CudaStream::Create(0).value();
  const CudaGraphImage graph = CudaGraphImage::Upload(stream.context(), image).value();
  CudaSearchShape shape;
  shape.lanes = 2;
  shape.channels = 3;
  CudaBeamSearch search = CudaBeamSearch::Create(stream.context(), graph, options, shape).value();
  std::vector<uint64_t> expected;
  std::vector<DeviceBuffer<float>> buffers;
  std::vector<ScoreView> views;
  SearchStatistics total;
  for (const char* name : {"short", "jfk", "long15"}) {
    const NpyArray log_probs = ReadNpy(bundle + "golden/" + name + ".logprobs_" + head + ".npy").value();
    const int64_t rows = std::min<int64_t>(log_probs.shape[0], 300), columns = log_probs.shape[1];
    std::vector<float> nll;
    for (int64_t i = 0; i < rows * columns; ++i)
      nll.push_back(-GetParam().acoustic_scale * log_probs.values[static_cast<size_t>(i)]);
    SearchStatistics statistics;
    expected.push_back(
        SurvivorHash(Search(image, ScoreView(nll.data(), rows, columns), options, 0, &statistics)));
    total.tokens += statistics.tokens;
    total.peak_tokens = std::max(total.peak_tokens, statistics.peak_tokens);
    buffers.push_back(DeviceBuffer<float>::Create(nll.size(), "test scores").value());
    ASSERT_TRUE(buffers.back().CopyFrom(stream.context(), nll).ok());
    views.emplace_back(buffers.back().data(), rows, columns);
  }
  ASSERT_TRUE(stream.Synchronize().ok());
  std::printf("%lld tokens, at most %lld in a frame\n", static_cast<long long>(total.tokens),
              static_cast<long long>(total.peak_tokens));
  for (const int64_t chunk : {32, 300}) {
    for (int c = 0; c < 3; ++c) search.Begin(c);
    for (int64_t first = 0; first < 300; first += chunk) {
      std::vector<CudaBeamSearch::Chunk> chunks;
      for (int c = 0; c < 3; ++c) {
        const ScoreView& view = views[static_cast<size_t>(c)];
        const int64_t count = std::min(chunk, view.rows - first);
        if (count > 0) chunks.push_back({c, view.Rows(first, count)});
      }
      ASSERT_TRUE(search.Advance(chunks).ok());
    }
    for (int c = 0; c < 3; ++c) {
      const RawLattice lattice = search.Finish(c).value();
      EXPECT_EQ(SurvivorHash(lattice), expected[static_cast<size_t>(c)])
          << "stream " << c << ", chunk " << chunk;
      EXPECT_GT(lattice.arcs.size(), 100u);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(English, CudaRealSearch,
                         ::testing::Values(Head{"char", LexiconKind::kCharacters, nullptr, 0.5f},
                                           Head{"phone", LexiconKind::kPronunciations,
                                                "pronunciations.txt.gz", 0.5f},
                                           Head{"bpe", LexiconKind::kPieces, "bpe.model", 1.0f}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace skald::test
