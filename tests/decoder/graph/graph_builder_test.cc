#include "decoder/graph/graph_builder.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "decoder/graph/check_graph.h"
#include "decoder/graph/random_model.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kLetters = {"<blk>", "|", "A", "N", "T", "S", "E", "'"};

/// Sub-words as sentencepiece would name them, as a pronunciation file: "▁A", "N" ...; random splits into
/// pieces of one or two letters, sometimes two segmentations of a word.
std::vector<std::string> PieceUnits() {
  const std::string letters = "ANTSE'";
  std::vector<std::string> units = {"<blk>"};
  for (const char* mark : {"", "▁"}) {
    for (const char a : letters) {
      units.push_back(mark + std::string(1, a));
      for (const char b : letters) units.push_back(mark + std::string{a, b});
    }
  }
  return units;
}

std::string RandomPieces(std::mt19937_64& random, const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    for (size_t spelling = 0; spelling < 1 + random() % 2; ++spelling) {
      text += word + "\t▁";
      for (size_t at = 0; at < word.size();) {
        const size_t length = std::min<size_t>(1 + random() % 2, word.size() - at);
        text += (at == 0 ? "" : " ") + word.substr(at, length);
        at += length;
      }
      text += "\n";
    }
  }
  return text;
}

/// Three phones make homophones certain; some words have several pronunciations.
std::string RandomPronunciations(std::mt19937_64& random, const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    for (size_t spelling = 0; spelling < 1 + random() % 3; ++spelling) {
      text += word + "\t";
      for (size_t i = 0; i < 1 + random() % 3; ++i)
        text += std::string(i == 0 ? "" : " ") + "PQR"[random() % 3];
      text += "\tcmu\n";
    }
  }
  return text;
}

/// Structure, and agreement with the sources on random paths.
void ExpectGoodGraph(const GraphImage& image, const ArpaModel& model, const Lexicon& lexicon,
                     const GraphOptions& options, uint64_t seed) {
  const auto report = CheckGraph(image);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  const auto paths = CheckGraphPaths(image, model, lexicon, options, seed, 60);
  ASSERT_TRUE(paths.ok()) << paths.status().ToString();
  EXPECT_EQ(paths->sentences, 60u);
}

class RandomGraphs : public ::testing::TestWithParam<GraphOptions::Method> {};

TEST_P(RandomGraphs, CostsAreTheLanguageModels) {
  std::mt19937_64 random(test::PropertySeed());
  test::TemporaryFolder folder;
  for (int round = 0; round < 25; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const auto words = test::RandomWords(random, 5 + random() % 25);
    const ArpaModel model =
        ArpaModel::Parse(test::RandomArpa(random, words, 1 + static_cast<int>(random() % 4))).value();
    GraphOptions options;
    options.method = GetParam();
    if (round % 3 != 0) {
      options.language_model_weight = 0.5 + static_cast<double>(random() % 30) / 10;
      options.word_penalty = static_cast<double>(random() % 40) / 10 - 2;
      options.max_order = 1 + static_cast<int>(random() % 5);
    }
    std::vector<std::string> spelled = words;
    if (round % 2 == 1) spelled.resize(words.size() * 2 / 3);  // leaves words without a spelling
    std::ofstream(folder / "pieces") << RandomPieces(random, spelled);
    std::ofstream(folder / "phones") << RandomPronunciations(random, spelled);
    const Lexicon lexicons[] = {
        Lexicon::FromCharacters(kLetters, spelled).value(),
        Lexicon::FromPronunciations(PieceUnits(), folder / "pieces").value(),
        Lexicon::FromPronunciations({"<blk>", "P", "Q", "R"}, folder / "phones").value(),
    };
    for (const Lexicon& lexicon : lexicons) {
      const auto image = BuildGraph(model, lexicon, options);
      ASSERT_TRUE(image.ok()) << image.status().ToString();
      ExpectGoodGraph(*image, model, lexicon, options, random());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, RandomGraphs,
                         ::testing::Values(GraphOptions::Method::kPerHistory, GraphOptions::Method::kOpenFst),
                         [](const auto& test) {
                           return test.param == GraphOptions::Method::kPerHistory ? "PerHistory" : "OpenFst";
                         });

constexpr const char* kThreeWords =
    "\\data\\\n"
    "ngram 1=5\n"
    "ngram 2=2\n"
    "\\1-grams:\n"
    "-99 <s> -0.5\n"
    "-1 </s>\n"
    "-1 A -0.25\n"
    "-2 AN\n"
    "-1.5 ANT\n"
    "\\2-grams:\n"
    "-0.1 <s> A\n"
    "-0.2 A ANT\n"
    "\\end\\\n";

float Nats(double log10) { return static_cast<float>(log10 * std::log(10)); }

TEST(BuildGraph, SmallGraphByHand) {
  const ArpaModel model = ArpaModel::Parse(kThreeWords).value();
  const std::vector<std::string> words = {"A", "AN", "ANT"};
  const Lexicon lexicon = Lexicon::FromCharacters(kLetters, words).value();
  GraphOptions options;
  options.word_penalty = 0.5;
  const GraphImage image = BuildGraph(model, lexicon, options).value();
  ExpectGoodGraph(image, model, lexicon, options, 1);

  // Start: only A is listed after <s>; its single letter is the whole word, label and all.
  const uint32_t start = image.info().start_block;
  ASSERT_EQ(image.emitting_arcs(start).size(), 1u);
  const GraphArc& a = image.emitting_arcs(start)[0];
  EXPECT_EQ(image.unit(a.unit), "A");
  EXPECT_EQ(a.flags, kArcWordStart);
  EXPECT_EQ(image.word(a.word), "A");
  EXPECT_FLOAT_EQ(a.cost, Nats(0.1) + 0.5f);
  EXPECT_FLOAT_EQ(image.header(start).final_cost, Nats(1.5)) << "the empty sentence";

  // After A: the end over the back-off, or a separator before the tree of A, which has ANT alone.
  const uint32_t after_a = a.next_block;
  EXPECT_FLOAT_EQ(image.header(after_a).final_cost, Nats(1.25));
  ASSERT_EQ(image.emitting_arcs(after_a).size(), 1u);
  EXPECT_EQ(image.emitting_arcs(after_a)[0].flags, kArcWordSeparator);
  EXPECT_EQ(image.emitting_arcs(after_a)[0].cost, 0);
  const uint32_t tree_of_a = image.emitting_arcs(after_a)[0].next_block;
  ASSERT_EQ(image.emitting_arcs(tree_of_a).size(), 1u);
  const GraphArc& ant = image.emitting_arcs(tree_of_a)[0];
  EXPECT_EQ(image.word(ant.word), "ANT") << "known from the first letter, so said and paid there";
  EXPECT_FLOAT_EQ(ant.cost, Nats(0.2) + 0.5f);
  EXPECT_EQ(image.header(tree_of_a).flags, kStateHasEpsilonArcs);
  EXPECT_FLOAT_EQ(image.epsilon_arcs(tree_of_a)[0].cost, Nats(0.25));

  // No history: A ends with an arc of its own beside the one that continues to AN and ANT.
  const uint32_t unigrams = image.epsilon_arcs(tree_of_a)[0].next_block;
  EXPECT_EQ(image.epsilon_arcs(start)[0].next_block, unigrams);
  EXPECT_EQ(image.header(unigrams).epsilon_rank, 1);
  ASSERT_EQ(image.emitting_arcs(unigrams).size(), 2u);
  const GraphArc& ends = image.emitting_arcs(unigrams)[image.emitting_arcs(unigrams)[0].word == 0 ? 1 : 0];
  const GraphArc& continues =
      image.emitting_arcs(unigrams)[image.emitting_arcs(unigrams)[0].word == 0 ? 0 : 1];
  EXPECT_EQ(image.word(ends.word), "A");
  EXPECT_FLOAT_EQ(ends.cost, Nats(1) + 0.5f);
  EXPECT_EQ(continues.word, 0u);
  EXPECT_FLOAT_EQ(continues.cost, Nats(1.5) + 0.5f) << "the cheaper of AN and ANT";
  ASSERT_EQ(image.emitting_arcs(continues.next_block).size(), 2u);
  for (const GraphArc& n : image.emitting_arcs(continues.next_block)) {
    EXPECT_EQ(image.unit(n.unit), "N");
    EXPECT_EQ(n.flags, 0);
    EXPECT_FLOAT_EQ(n.cost, image.word(n.word) == "AN" ? Nats(0.5) : 0);
  }
  // The rest of ANT exists once for both histories.
  EXPECT_EQ(image.emitting_arcs(ant.next_block).size(), 1u);
  EXPECT_EQ(image.info().state_count, 8u);
  EXPECT_THAT(image.info().recipe_json, HasSubstr("\"words\":3"));
}

TEST(BuildGraph, HomophonesAndPronunciationsKeepTheirLabelsUntilTheyDiffer) {
  test::TemporaryFolder folder;
  std::ofstream(folder / "lexicon") << "TO\tT UW\nTWO\tT UW\nTWO\tT AH\n";
  const Lexicon lexicon = Lexicon::FromPronunciations({"<blk>", "T", "UW", "AH"}, folder / "lexicon").value();
  const ArpaModel model =
      ArpaModel::Parse("\\data\\\nngram 1=4\n\\1-grams:\n-99 <s>\n-1 </s>\n-1 TO\n-2 TWO\n\\end\\\n").value();
  const GraphImage image = BuildGraph(model, lexicon, {}).value();
  ExpectGoodGraph(image, model, lexicon, {}, 1);
  const uint32_t root = image.epsilon_arcs(image.info().start_block)[0].next_block;
  ASSERT_EQ(image.emitting_arcs(root).size(), 1u);
  EXPECT_EQ(image.emitting_arcs(root)[0].word, 0u);
  const auto second = image.emitting_arcs(image.emitting_arcs(root)[0].next_block);
  ASSERT_EQ(second.size(), 3u);
  EXPECT_EQ(second[0].unit, second[1].unit) << "TO and TWO in parallel";
  EXPECT_NE(second[0].word, second[1].word);
  for (const GraphArc& arc : second) EXPECT_EQ(arc.next_block, root);
}

TEST(BuildGraph, SentenceMarksAreNeverWords) {
  test::TemporaryFolder folder;
  std::ofstream(folder / "lexicon") << "<s>\tP\n</s>\tP\n<unk>\tP\nA\tP\nFOREIGN\tP\n";
  const Lexicon lexicon = Lexicon::FromPronunciations({"<blk>", "P"}, folder / "lexicon").value();
  const ArpaModel model =
      ArpaModel::Parse("\\data\\\nngram 1=4\n\\1-grams:\n-99 <s>\n-1 </s>\n-1 <unk>\n-2 A\n\\end\\\n")
          .value();
  const GraphImage image = BuildGraph(model, lexicon, {}).value();
  ASSERT_EQ(image.word_count(), 2u);
  EXPECT_EQ(image.word(1), "A");
}

class GraphFromFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    std::mt19937_64 random(3);
    words_ = test::RandomWords(random, 30);
    std::ofstream(folder_ / "lm.arpa") << test::RandomArpa(random, words_, 3);
    sources_.units = kLetters;
    sources_.language_model_path = folder_ / "lm.arpa";
  }
  test::TemporaryFolder folder_;
  std::vector<std::string> words_;
  GraphSources sources_;
};

TEST_F(GraphFromFiles, TwoBuildsAreByteIdentical) {
  for (const auto method : {GraphOptions::Method::kPerHistory, GraphOptions::Method::kOpenFst}) {
    GraphOptions options;
    options.method = method;
    for (const char* name : {"a.skg", "b.skg"}) {
      const auto image = BuildGraph(sources_, options);
      ASSERT_TRUE(image.ok()) << image.status().ToString();
      ASSERT_TRUE(WriteGraphImage(*image, folder_ / name).ok());
    }
    EXPECT_EQ(ReadFile(folder_ / "a.skg").value(), ReadFile(folder_ / "b.skg").value());
  }
}

TEST_F(GraphFromFiles, ProgressRisesToOne) {
  double last = 0;
  std::vector<std::string> phases;
  ASSERT_TRUE(BuildGraph(sources_, {}, [&](double fraction, std::string_view phase) {
                EXPECT_GE(fraction, last);
                last = fraction;
                if (phases.empty() || phases.back() != phase) phases.emplace_back(phase);
              }).ok());
  EXPECT_EQ(last, 1);
  EXPECT_THAT(phases, ::testing::ElementsAre("language model", "lexicon", "language model automaton",
                                             "composition", "layout"));
}

TEST_F(GraphFromFiles, CacheKeyFollowsContentAndOptionsNotPaths) {
  const std::string key = GraphCacheKey(sources_, {}).value();
  EXPECT_EQ(key.size(), 64u);
  GraphSources copy = sources_;
  copy.language_model_path = folder_ / "copy.arpa";
  std::ofstream(copy.language_model_path) << ReadFile(sources_.language_model_path).value();
  EXPECT_EQ(GraphCacheKey(copy, {}).value(), key);
  std::ofstream(copy.language_model_path, std::ios::app) << "\n";
  EXPECT_NE(GraphCacheKey(copy, {}).value(), key);
  GraphOptions options;
  options.word_penalty = 1;
  EXPECT_NE(GraphCacheKey(sources_, options).value(), key);
  copy = sources_;
  copy.units.push_back("X");
  EXPECT_NE(GraphCacheKey(copy, {}).value(), key);
  copy.language_model_path = folder_ / "none";
  EXPECT_THAT(GraphCacheKey(copy, {}).status().ToString(), HasSubstr("none"));
}

// An extra word is as good as one that the language model's file had listed as its rarest.
TEST_F(GraphFromFiles, ExtraWordsAreLikeListedOnes) {
  std::string listed = "\\data\\\nngram 1=5\n\\1-grams:\n-99 <s>\n-1 </s>\n-1 AN\n-2.5 TAN\n";
  std::ofstream(folder_ / "lm.arpa") << "\\data\\\nngram 1=4\n" + listed.substr(listed.find("\\1-")) +
                                            "\\end\\\n";
  std::ofstream(folder_ / "listed.arpa") << listed + "-2.5 NEST\n\\end\\\n";
  GraphSources with_word = sources_;
  with_word.language_model_path = folder_ / "listed.arpa";
  sources_.extra_words = {{"NEST", {}}, {"AN", {}}};
  const auto extra = BuildGraph(sources_, {}), expected = BuildGraph(with_word, {});
  ASSERT_TRUE(extra.ok()) << extra.status().ToString();
  ASSERT_TRUE(expected.ok());
  ASSERT_EQ(extra->word_count(), expected->word_count());
  for (uint32_t word = 0; word < extra->word_count(); ++word)
    EXPECT_EQ(extra->word(word), expected->word(word));
  ASSERT_EQ(extra->cells().size(), expected->cells().size());
  EXPECT_EQ(std::memcmp(extra->cells().data(), expected->cells().data(), extra->cells().size_bytes()), 0);
  EXPECT_NE(GraphCacheKey(sources_, {}).value(), GraphCacheKey(with_word, {}).value());
}

TEST_F(GraphFromFiles, ExtraWordsMaySayHowTheyAreSpelled) {
  std::ofstream(folder_ / "lm.arpa") << "\\data\\\nngram 1=3\n\\1-grams:\n-99 <s>\n-1 </s>\n-1 AN\n\\end\\\n";
  sources_.extra_words = {{"10", {{"T", "E", "N"}}}};
  const auto image = BuildGraph(sources_, {});
  ASSERT_TRUE(image.ok()) << image.status().ToString();
  EXPECT_EQ(image->word_count(), 3u);
  sources_.extra_words = {{"10", {}}};
  EXPECT_THAT(BuildGraph(sources_, {}).status().ToString(), HasSubstr("\"10\""));
  sources_.extra_words = {{"10", {{"X"}}}};
  EXPECT_THAT(BuildGraph(sources_, {}).status().ToString(), HasSubstr("\"X\""));
}

TEST_F(GraphFromFiles, ErrorsNameTheFileOrOption) {
  GraphSources bad = sources_;
  bad.language_model_path = folder_ / "none.arpa";
  EXPECT_THAT(BuildGraph(bad, {}).status().ToString(), HasSubstr("none.arpa"));
  std::ofstream(folder_ / "bad.arpa") << "\\data\\\nngram 1=1\n\\1-grams:\nnan A\n\\end\\\n";
  bad.language_model_path = folder_ / "bad.arpa";
  EXPECT_THAT(BuildGraph(bad, {}).status().ToString(), HasSubstr("bad.arpa: line 4"));
  bad = sources_;
  bad.lexicon_kind = LexiconKind::kPronunciations;
  bad.lexicon_path = folder_ / "none.txt";
  EXPECT_THAT(BuildGraph(bad, {}).status().ToString(), HasSubstr("none.txt"));
  const auto with = [&](auto change) {
    GraphOptions options;
    change(options);
    return BuildGraph(sources_, options).status();
  };
  const auto expect_named = [](const Status& status, const char* name) {
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(status.ToString(), HasSubstr(name));
  };
  expect_named(with([](GraphOptions& o) { o.language_model_weight = 0; }), "language_model_weight");
  expect_named(with([](GraphOptions& o) { o.language_model_weight = NAN; }), "language_model_weight");
  expect_named(with([](GraphOptions& o) { o.word_penalty = INFINITY; }), "word_penalty");
  expect_named(with([](GraphOptions& o) { o.max_order = 0; }), "max_order");
  expect_named(with([](GraphOptions& o) { o.segmentations = 101; }), "segmentations");
}

}  // namespace
}  // namespace skald
