#include "engine/recognizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "engine/graph_cache.h"
#include "support/test_environment.h"

namespace skald {
namespace {

TEST(RecognizerOptions, OutOfRangeIsNamed) {
  const auto reason = [](auto change) {
    RecognizerOptions options;
    change(&options);
    return options.Validate().reason();
  };
  EXPECT_EQ(reason([](RecognizerOptions*) {}), "");
  EXPECT_NE(reason([](RecognizerOptions* o) { o->device = "cuda:"; }).find("device"), std::string::npos);
  EXPECT_NE(reason([](RecognizerOptions* o) { o->device = "cuda:x"; }).find("device"), std::string::npos);
  EXPECT_NE(reason([](RecognizerOptions* o) { o->precision = "f8"; }).find("precision"), std::string::npos);
  EXPECT_NE(reason([](RecognizerOptions* o) { o->threads = -1; }).find("threads"), std::string::npos);
  EXPECT_NE(reason([](RecognizerOptions* o) { o->lm_scale = std::nan(""); }).find("lm_scale"), std::string::npos);
  EXPECT_NE(reason([](RecognizerOptions* o) { o->blank_penalty = 1e9; }).find("blank_penalty"), std::string::npos);
  EXPECT_NE(reason([](RecognizerOptions* o) { o->word_penalty = -1e9; }).find("word_penalty"), std::string::npos);
  EXPECT_NE(reason([](RecognizerOptions* o) { o->batch_s = 0.1; }).find("batch_s"), std::string::npos);
  EXPECT_NE(reason([](RecognizerOptions* o) { o->search.beam = 0; }).find("beam"), std::string::npos);
}

TEST(Recognizer, NamesWhatIsMissing) {
  RecognizerOptions options;
  options.device = "cpu";
  options.model_folder = "/nonexistent/bundle";
  const auto none = Recognizer::Create(options);
  EXPECT_EQ(none.status().code(), StatusCode::kNotFound);
  EXPECT_NE(none.status().ToString().find("/nonexistent/bundle"), std::string::npos);

  options.model_folder = test::ProjectPath("models/en-base");
  options.head = "smell";
  EXPECT_EQ(Recognizer::Create(options).status().code(), StatusCode::kInvalidArgument);
  options.head = "";
  options.device = "cuda:9";
  EXPECT_EQ(Recognizer::Create(options).status().code(), StatusCode::kDeviceError);
}

TEST(Recognizer, RefusesAGraphOfOtherUnits) {
  test::TemporaryFolder folder;
  GraphImageBuilder builder({"<blk>", "a"}, {"", "A"});
  const GraphImageBuilder::Arc arcs[] = {{0, 0.5f, 1, kArcWordStart, 1}};
  builder.AddState(0.0f, arcs);
  builder.SetStart(0);
  ASSERT_TRUE(WriteGraphImage(std::move(builder).Build().value(), folder / "two-units.skg").ok());
  RecognizerOptions options;
  options.device = "cpu";
  options.model_folder = test::ProjectPath("models/en-base");
  options.graph_path = folder / "two-units.skg";
  const Status status = Recognizer::Create(options).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.file(), folder / "two-units.skg");
}

TEST(GraphCache, BuildsOnceAndSharesByContent) {
  test::TemporaryFolder folder;
  const std::string arpa =
      "\\data\\\nngram 1=4\n\n\\1-grams:\n-0.6\t<s>\n-0.6\t</s>\n-0.6\tAB\n-0.6\tB\n\n\\end\\\n";
  GraphSources sources;
  sources.units = {"<blk>", "|", "A", "B"};
  sources.language_model_path = folder / "one.arpa";
  ASSERT_TRUE(WriteFileAtomically(sources.language_model_path, arpa).ok());
  double last = 0;
  const auto first = CachedGraph(sources, {}, folder / "cache", [&](double fraction, const std::string&) {
    EXPECT_GE(fraction, last);
    last = fraction;
  });
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  EXPECT_TRUE(GraphImage::Open(*first, true).ok());
  const auto written = std::filesystem::last_write_time(*first);

  sources.language_model_path = folder / "two.arpa";  // the same content under another name
  ASSERT_TRUE(WriteFileAtomically(sources.language_model_path, arpa).ok());
  EXPECT_EQ(CachedGraph(sources, {}, folder / "cache", {}).value(), *first);
  EXPECT_EQ(std::filesystem::last_write_time(*first), written);

  GraphOptions other;
  other.word_penalty = 1;
  EXPECT_NE(CachedGraph(sources, other, folder / "cache", {}).value(), *first);
}

TEST(FindDefaultBundle, TheEnvironmentDecides) {
  ::setenv("SKALD_MODEL", "/some/bundle", 1);
  EXPECT_EQ(FindDefaultBundle().value(), "/some/bundle");
  ::unsetenv("SKALD_MODEL");
}

}  // namespace
}  // namespace skald
