#include "decoder/graph/grammar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace skald {
namespace {

using ::testing::HasSubstr;

/// B is continued by nothing, so arriving there means backing off at once.
constexpr const char* kModel =
    "\\data\\\n"
    "ngram 1=6\n"
    "ngram 2=4\n"
    "\\1-grams:\n"
    "-99 <s> -0.5\n"
    "-1 </s>\n"
    "-2 <unk>\n"
    "-0.5 A -0.25\n"
    "-0.75 B -0.125\n"
    "-3 C -0.5\n"
    "\\2-grams:\n"
    "-0.1 <s> A\n"
    "-0.2 A B\n"
    "-0.3 A </s>\n"
    "-0.4 C C\n"
    "\\end\\\n";

constexpr uint32_t kA = 3, kB = 4, kC = 5;

TEST(Grammar, FoldsBackoffsOfHistoriesThatNothingContinues) {
  const ArpaModel model = ArpaModel::Parse(kModel).value();
  const Grammar grammar = Grammar::Build(model, std::vector<bool>(6, true), 5).value();
  ASSERT_EQ(grammar.states().size(), 4u) << "<s>, no history, A, C";
  const Grammar::State& start = grammar.states()[Grammar::kStart];
  EXPECT_EQ(start.backoff_state, Grammar::kNoHistory);
  EXPECT_EQ(start.backoff_cost, 500000);
  EXPECT_EQ(start.final_cost, Grammar::kNever);
  EXPECT_EQ(start.complete_final_cost, 1500000);
  ASSERT_EQ(grammar.arcs(start).size(), 1u);
  const uint32_t after_a = grammar.arcs(start)[0].next_state;
  EXPECT_EQ(after_a, 2u) << "A is the more frequent history";
  const Grammar::State& a = grammar.states()[after_a];
  EXPECT_EQ(a.final_cost, 300000);
  EXPECT_EQ(a.complete_final_cost, 300000);
  ASSERT_EQ(grammar.arcs(a).size(), 1u);
  EXPECT_EQ(grammar.arcs(a)[0].word, kB);
  EXPECT_EQ(grammar.arcs(a)[0].next_state, Grammar::kNoHistory);
  EXPECT_EQ(grammar.arcs(a)[0].cost, 200000 + 125000);
  const auto unigrams = grammar.arcs(grammar.states()[Grammar::kNoHistory]);
  ASSERT_EQ(unigrams.size(), 3u) << "no sentence mark, no <unk>";
  EXPECT_EQ(unigrams[0].word, kA);
  EXPECT_EQ(unigrams[2].word, kC);
  EXPECT_EQ(grammar.dropped_words(), 0u);
}

TEST(Grammar, DropsWordsOrdersAndWhatDependsOnThem) {
  const ArpaModel model = ArpaModel::Parse(kModel).value();
  std::vector<bool> keep(6, true);
  keep[kB] = keep[kC] = false;
  const Grammar grammar = Grammar::Build(model, keep, 5).value();
  EXPECT_EQ(grammar.dropped_words(), 2u);
  EXPECT_EQ(grammar.dropped_ngrams(), 2u);
  EXPECT_EQ(grammar.states().size(), 3u) << "C is gone as a history, A remains for </s>";
  const Grammar unigrams = Grammar::Build(model, std::vector<bool>(6, true), 1).value();
  EXPECT_EQ(unigrams.states().size(), 2u);
  EXPECT_EQ(unigrams.states()[Grammar::kStart].backoff_cost, 0) << "a unigram model never backs off";
}

TEST(Grammar, RefusesModelsWithoutSentenceEndOrCommonWord) {
  const ArpaModel model = ArpaModel::Parse(kModel).value();
  EXPECT_THAT(Grammar::Build(model, std::vector<bool>(6, false), 5).status().ToString(),
              HasSubstr("no word in common"));
  const ArpaModel endless =
      ArpaModel::Parse("\\data\\\nngram 1=2\n\\1-grams:\n-1 A\n-inf </s>\n\\end\\\n").value();
  EXPECT_THAT(Grammar::Build(endless, {true, true}, 5).status().ToString(), HasSubstr("</s>"));
}

}  // namespace
}  // namespace skald
