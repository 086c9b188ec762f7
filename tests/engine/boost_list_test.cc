#include "engine/boost_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace skald {
namespace {

using ::testing::HasSubstr;

GraphImage ThreeWords() {
  GraphImageBuilder builder({"<blk>", "a", "b"}, {"", "ALPHA", "BETA", "GAMMA"});
  const GraphImageBuilder::Arc arcs[] = {{0, 0.5f, 1, kArcWordStart, 1}, {0, 0.5f, 2, kArcWordStart, 2}};
  builder.AddState(0.0f, arcs);
  builder.SetStart(0);
  return std::move(builder).Build().value();
}

TEST(BoostList, ReadsPhrasesWeightsAndSpellings) {
  const auto list = ParseBoostList("# names\nalpha beta\n\nGAMMA\t2.5\r\nDELTA\t-1\ta b\nBETA\t\tb", 3.0);
  ASSERT_TRUE(list.ok()) << list.status().ToString();
  ASSERT_EQ(list->size(), 4u);
  EXPECT_EQ((*list)[0].phrase, "alpha beta");
  EXPECT_EQ((*list)[0].weight, 3.0);
  EXPECT_EQ((*list)[1].weight, 2.5);
  EXPECT_EQ((*list)[2].weight, -1.0);
  EXPECT_EQ((*list)[2].spelling, "a b");
  EXPECT_EQ((*list)[3].weight, 3.0);
  EXPECT_EQ((*list)[3].spelling, "b");
}

TEST(BoostList, NamesTheLineThatIsWrong) {
  for (const char* bad :
       {"ALPHA\tmuch", "ALPHA\tnan", "ALPHA\t1001", "\t1", "ALPHA BETA\t1\ta b", "A\t1\ta\tb"}) {
    const Status status = ParseBoostList(std::string("GAMMA\n") + bad).status();
    EXPECT_EQ(status.code(), StatusCode::kCorrupt) << bad;
    EXPECT_THAT(status.ToString(), HasSubstr("line 2")) << bad;
  }
}

TEST(BoostList, FindsWordsInAnyCaseAndListsUnknownOnes) {
  const GraphImage graph = ThreeWords();
  const auto list = ParseBoostList("alpha Beta\nSkaldic alpha\nskaldic\nGAMMA\t1\ta b\n");
  ASSERT_TRUE(list.ok());
  const std::vector<ExtraWord> extra = ExtraWordsOf(*list, graph);
  ASSERT_EQ(extra.size(), 2u);
  EXPECT_EQ(extra[0].word, "SKALDIC");
  EXPECT_TRUE(extra[0].spellings.empty());
  EXPECT_EQ(extra[1].word, "GAMMA");
  EXPECT_EQ(extra[1].spellings, (std::vector<std::vector<std::string>>{{"a", "b"}}));
  EXPECT_THAT(MakeBoostAutomaton(*list, graph).status().ToString(), HasSubstr("Skaldic"));
}

TEST(BoostList, MakesAnAutomatonOverTheGraphsWords) {
  const auto automaton = MakeBoostAutomaton({{"alpha beta", 4.0, ""}, {"GAMMA", -2.0, ""}}, ThreeWords());
  ASSERT_TRUE(automaton.ok()) << automaton.status().ToString();
  const BoostStep alpha = StepBoost(automaton->table(), 0, 1);
  EXPECT_FLOAT_EQ(alpha.cost, -2.0f);
  EXPECT_FLOAT_EQ(StepBoost(automaton->table(), alpha.state, 2).cost, -2.0f);
  EXPECT_FLOAT_EQ(StepBoost(automaton->table(), alpha.state, 3).cost, 4.0f);  // 2 given back, 2 to pay
  EXPECT_TRUE(MakeBoostAutomaton({}, ThreeWords())->empty());
  EXPECT_EQ(MakeBoostAutomaton({{" ", 1.0, ""}}, ThreeWords()).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace skald
