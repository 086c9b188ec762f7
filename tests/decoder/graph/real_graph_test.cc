#include <chrono>
#include <cstdio>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/file.h"
#include "base/token_list.h"
#include "decoder/graph/check_graph.h"
#include "support/test_environment.h"

// The graphs of the English model: 199,198 words, 1.5 million n-grams.
namespace skald {
namespace {

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct RealGraph {
  const char* name;
  LexiconKind kind;
  const char* tokens;
  const char* lexicon;
};

class RealGraphs : public ::testing::TestWithParam<RealGraph> {};

TEST_P(RealGraphs, BuildFastAndSmallAndAgreeWithTheSources) {
  SKALD_SHARED_OR_SKIP(language_model, "lm/lm.arpa.gz");
  SKALD_SHARED_OR_SKIP(tokens, GetParam().tokens);
  GraphSources sources;
  sources.units = ReadTokenList(tokens).value();
  sources.language_model_path = language_model;
  sources.lexicon_kind = GetParam().kind;
  if (GetParam().lexicon != nullptr) sources.lexicon_path = test::SharedPath(GetParam().lexicon);

  const auto start = std::chrono::steady_clock::now();
  const auto image = BuildGraph(sources, {});
  const double build_s = SecondsSince(start);
  ASSERT_TRUE(image.ok()) << image.status().ToString();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double image_mb = static_cast<double>(image->cells().size_bytes()) / 1e6;
  std::printf("%s: built in %.1f s, peak %ld MB, %llu states, %llu + %llu arcs, %.1f MB\n", GetParam().name,
              build_s, usage.ru_maxrss / 1024, static_cast<unsigned long long>(image->info().state_count),
              static_cast<unsigned long long>(image->info().emitting_arc_count),
              static_cast<unsigned long long>(image->info().epsilon_arc_count), image_mb);
  EXPECT_LT(build_s, 180);
  EXPECT_LT(usage.ru_maxrss / 1024, 6000);
  EXPECT_LT(image_mb, 400);

  const auto report = CheckGraph(*image);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  std::printf("%s", report->ToString().c_str());
  EXPECT_LE(report->longest_epsilon_chain, 2u) << "back-off arcs alone";

  const ArpaModel model = ArpaModel::Read(language_model).value();
  const Lexicon lexicon = ReadLexicon(sources, {}, model).value();
  const auto paths = CheckGraphPaths(*image, model, lexicon, {}, test::PropertySeed(), 1000);
  ASSERT_TRUE(paths.ok()) << paths.status().ToString();
  std::printf("largest difference from the sources %.2g nats\n", paths->largest_difference);

  test::TemporaryFolder folder;
  ASSERT_TRUE(WriteGraphImage(*image, folder / "graph.skg").ok());
  const auto open_start = std::chrono::steady_clock::now();
  const auto mapped = GraphImage::Open(folder / "graph.skg");
  ASSERT_TRUE(mapped.ok()) << mapped.status().ToString();
  std::printf("opened in %.0f ms\n", SecondsSince(open_start) * 1000);
  EXPECT_EQ(mapped->content_hash(), BuildGraph(sources, {}).value().content_hash()) << "two builds";
}

INSTANTIATE_TEST_SUITE_P(
    English, RealGraphs,
    ::testing::Values(RealGraph{"char", LexiconKind::kCharacters, "models/en-base/tokens_char.txt", nullptr},
                      RealGraph{"phone", LexiconKind::kPronunciations, "models/en-base/tokens_phone.txt",
                                "lm/pronunciations.txt.gz"},
                      RealGraph{"bpe", LexiconKind::kPieces, "models/en-base/tokens_bpe.txt",
                                "models/en-base/bpe.model"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace skald
