#include "engine/recognizer.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>

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
  EXPECT_NE(reason([](RecognizerOptions* o) { o->lm_scale = std::nan(""); }).find("lm_scale"),
            std::string::npos);
  EXPECT_NE(reason([](RecognizerOptions* o) { o->blank_penalty = 1e9; }).find("blank_penalty"),
            std::string::npos);
  EXPECT_NE(reason([](RecognizerOptions* o) { o->word_penalty = -1e9; }).find("word_penalty"),
            std::string::npos);
  EXPECT_NE(reason([](RecognizerOptions* o) { o->batch_s = 0.1; }).find("batch_s"), std::string::npos);
  EXPECT_NE(reason([](RecognizerOptions* o) { o->search.beam = 0; }).find("beam"), std::string::npos);
}

TEST(RecognizerOptions, GreedyDecodingRefusesWhatNeedsAGraph) {
  const auto reason = [](auto change) {
    RecognizerOptions options;
    EXPECT_TRUE(options.SetDecode("greedy").ok());
    change(&options);
    return options.Validate().reason();
  };
  EXPECT_EQ(reason([](RecognizerOptions*) {}), "");
  EXPECT_EQ(reason([](RecognizerOptions* o) { o->heads = {{"char", 1}}; }), "");
  const auto refused = [&](auto change, const char* what) {
    EXPECT_EQ(reason(change), std::string("greedy decoding ") + what);
  };
  refused([](RecognizerOptions* o) { o->graph_path = "g.skg"; }, "uses no graph");
  refused(
      [](RecognizerOptions* o) {
        o->heads = {{"bpe", 1}, {"char", 1}};
      },
      "hears with one head, not with several");
  refused([](RecognizerOptions* o) { o->search_device = "cuda"; }, "reads scores on the CPU only");
  refused([](RecognizerOptions* o) { o->boosts.push_back({"word", 1, ""}); }, "has no hypotheses to boost");
  refused([](RecognizerOptions* o) { o->rescoring.enabled = true; }, "has no alternatives to rescore");
  refused([](RecognizerOptions* o) { o->description.nbest = 2; }, "has no alternatives to list");
  refused([](RecognizerOptions* o) { o->description.alternatives = 2; }, "has no alternatives to list");
  refused([](RecognizerOptions* o) { o->description.lattice_type = LatticeType::kSlf; }, "makes no lattices");
  RecognizerOptions options;
  EXPECT_EQ(options.SetDecode("best").reason(), "decode is auto, viterbi, mbr or greedy, not 'best'");
}

TEST(Recognizer, PhonesSpellNoWordsGreedily) {
  RecognizerOptions options;
  options.device = "cpu";
  options.model_folder = test::ProjectPath("models/en-base-25fps");
  options.head = "phone";
  ASSERT_TRUE(options.SetDecode("greedy").ok());
  const Status status = Recognizer::Create(options).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.reason().find("phones"), std::string::npos) << status.ToString();
}

TEST(Recognizer, GreedyWordsHaveNoGraph) {
  RecognizerOptions options;
  options.device = "cpu";
  options.model_folder = test::ProjectPath("models/en-base-25fps");
  options.description.word_rule = WordRule::kViterbi;
  ASSERT_TRUE(options.SetDecode("greedy").ok());
  const auto recognizer = Recognizer::Create(options);
  ASSERT_TRUE(recognizer.ok()) << recognizer.status().ToString();
  EXPECT_FALSE((*recognizer)->has_graph());
  EXPECT_TRUE((*recognizer)->info().graph_path.empty());
  EXPECT_TRUE((*recognizer)->info().notes.empty());  // it was asked for
  EXPECT_EQ((*recognizer)->info().head, "bpe");
  const FileResult result =
      (*recognizer)->TranscribeFile(test::ProjectPath("models/en-base-25fps/golden/jfk.wav"));
  ASSERT_TRUE(result.status.ok()) << result.status.ToString();
  const Transcript& transcript = result.transcripts.at(0);
  EXPECT_EQ(transcript.graph_sha256, "");
  EXPECT_TRUE(transcript.warnings.empty());
  double last_end_s = 0;
  size_t words = 0;
  for (const Segment& segment : transcript.segments) {
    EXPECT_TRUE(segment.nbest.empty());
    for (const Word& word : segment.words) {
      EXPECT_GE(word.start_s, last_end_s);
      EXPECT_GT(word.end_s, word.start_s);
      EXPECT_GT(word.confidence, 0);
      EXPECT_LE(word.confidence, 1);
      last_end_s = word.end_s;
      ++words;
    }
  }
  EXPECT_GT(words, 15u);
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
