#include "engine/rescorer.h"

#include <cmath>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using ::testing::HasSubstr;

constexpr char kArpa[] = "\\data\\\nngram 1=4\n\\1-grams:\n-99 <s>\n-0.5 </s>\n-0.5 A\n-0.7 B\n\\end\\\n";

GraphImage GraphWithRecipe(const std::string& recipe) {
  GraphImageBuilder builder({"<blk>", "a"}, {"", "A", "C"});
  const GraphImageBuilder::Arc arcs[] = {{0, 0.5f, 1, kArcWordStart, 1}};
  builder.AddState(0.0f, arcs);
  builder.SetStart(0);
  builder.SetRecipe(recipe);
  return std::move(builder).Build().value();
}

TEST(RescoringOptions, OutOfRangeIsNamed) {
  const auto reason = [](auto change) {
    RescoringOptions options;
    change(&options);
    return options.Validate().reason();
  };
  EXPECT_EQ(reason([](RescoringOptions*) {}), "");
  EXPECT_THAT(reason([](RescoringOptions* o) { o->weight = -0.1; }), HasSubstr("rescore_weight"));
  EXPECT_THAT(reason([](RescoringOptions* o) { o->lm_scale = 0; }), HasSubstr("rescore_lm_scale"));
  EXPECT_THAT(reason([](RescoringOptions* o) { o->word_penalty = std::nan(""); }),
              HasSubstr("rescore_word_penalty"));
  EXPECT_THAT(reason([](RescoringOptions* o) { o->beam = std::nanf(""); }), HasSubstr("rescore_beam"));
}

TEST(CachedNgramModel, BuildsOnceByContentAndTakesModelFilesAsTheyAre) {
  const test::TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "a.arpa", kArpa).ok());
  ASSERT_TRUE(WriteFileAtomically(folder / "b.arpa", kArpa).ok());
  int built = 0;
  const BuildProgress count = [&](double, const std::string&) { ++built; };
  const std::string first = CachedNgramModel(folder / "a.arpa", folder / "cache", count).value();
  EXPECT_EQ(CachedNgramModel(folder / "b.arpa", folder / "cache", count).value(), first);
  EXPECT_EQ(built, 1);
  EXPECT_EQ(CachedNgramModel(first, folder / "cache", count).value(), first);
  EXPECT_FALSE(std::filesystem::exists(first + ".lock"));
  EXPECT_EQ(CachedNgramModel(folder / "none", folder / "cache", count).status().code(),
            StatusCode::kNotFound);
  ASSERT_TRUE(WriteFileAtomically(folder / "bad.arpa", "\\data\\\nngram 1=1\n").ok());
  const Status bad = CachedNgramModel(folder / "bad.arpa", folder / "cache", count).status();
  EXPECT_EQ(bad.code(), StatusCode::kCorrupt);
  EXPECT_EQ(bad.file(), folder / "bad.arpa");
}

TEST(LargeLmRescorer, NeedsTheModelThatTheGraphWasBuiltFrom) {
  const test::TemporaryFolder folder;
  const Bundle bundle = Bundle::Open(test::ProjectPath("models/en-base")).value();
  RescoringOptions options;
  options.enabled = true;
  options.lm_path = folder / "large.arpa";
  ASSERT_TRUE(WriteFileAtomically(options.lm_path, kArpa).ok());
  const auto failure = [&](const std::string& recipe) {
    return LargeLmRescorer::Create(bundle, GraphWithRecipe(recipe), options, folder / "cache", {}).status();
  };
  for (const char* recipe :
       {"", "{}", "[]", "{\"language_model_sha256\": 7}", "{\"language_model_sha256\": \"00\"}"}) {
    EXPECT_EQ(failure(recipe).code(), StatusCode::kUnsupported) << recipe;
    EXPECT_THAT(failure(recipe).reason(), HasSubstr("built from"));
  }
  const std::string hash = bundle.manifest().files.at("lm.arpa.gz").sha256;
  EXPECT_EQ(failure("{\"language_model_sha256\": \"" + hash + "\"}").code(), StatusCode::kCorrupt);
  EXPECT_FALSE(std::filesystem::exists(folder / "cache")) << "nothing is built before that is known";
}

}  // namespace
}  // namespace skald
