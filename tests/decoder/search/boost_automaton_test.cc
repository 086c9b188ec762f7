#include "decoder/search/boost_automaton.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <random>

#include "boosted_graph.h"
#include "search_test_support.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald::test {
namespace {

/// Minus the weights of all occurrences of all phrases in `words`, counted by looking everywhere.
double ExpectedCost(const std::vector<BoostPhrase>& phrases, const std::vector<uint32_t>& words) {
  double cost = 0;
  for (const BoostPhrase& phrase : phrases) {
    for (size_t i = 0; i + phrase.words.size() <= words.size(); ++i) {
      if (std::equal(phrase.words.begin(), phrase.words.end(), words.begin() + static_cast<ptrdiff_t>(i))) {
        cost -= double{phrase.weight};
      }
    }
  }
  return cost;
}

TEST(BoostAutomaton, PaysEveryOccurrenceAndTakesBackTheRest) {
  std::mt19937_64 random(PropertySeed());
  double paid = 0;
  for (int round = 0; round < 200; ++round) {
    const uint32_t words = 2 + static_cast<uint32_t>(random() % 4);
    const std::vector<BoostPhrase> phrases = RandomPhrases(1 + random() % 8, words, random);
    const auto automaton = BoostAutomaton::Build(phrases);
    ASSERT_TRUE(automaton.ok());
    std::vector<uint32_t> path(random() % 30);
    for (uint32_t& word : path) word = 1 + static_cast<uint32_t>(random() % words);
    double cost = 0;
    uint32_t state = 0;
    for (const uint32_t word : path) {
      const BoostStep step = StepBoost(automaton->table(), state, word);
      EXPECT_GE(step.cost, automaton->least_cost());
      cost += double{step.cost};
      state = step.state;
    }
    cost += double{automaton->states()[state].held};
    ASSERT_NEAR(cost, ExpectedCost(phrases, path), kBoostSumTolerance) << "round " << round;
    paid += std::abs(cost);
  }
  EXPECT_GT(paid, 0);
}

TEST(BoostAutomaton, PaysTheShareOfAPhraseWithEachOfItsWords) {
  const BoostPhrase phrases[] = {{{7, 8, 9}, 6.0f}};
  const auto automaton = BoostAutomaton::Build(phrases);
  ASSERT_TRUE(automaton.ok());
  const BoostStep first = StepBoost(automaton->table(), 0, 7);
  EXPECT_FLOAT_EQ(first.cost, -2.0f);
  EXPECT_FLOAT_EQ(StepBoost(automaton->table(), first.state, 8).cost, -2.0f);
  EXPECT_FLOAT_EQ(StepBoost(automaton->table(), first.state, 5).cost, 2.0f);  // taken back
  EXPECT_FLOAT_EQ(StepBoost(automaton->table(), first.state, 7).cost, 0.0f);  // begins again
}

TEST(BoostAutomaton, PaysLittleInAdvanceHoweverLargeTheWeight) {
  const BoostPhrase phrases[] = {{{7, 8}, 100.0f}};
  const auto automaton = BoostAutomaton::Build(phrases);
  ASSERT_TRUE(automaton.ok());
  const BoostStep first = StepBoost(automaton->table(), 0, 7);
  EXPECT_FLOAT_EQ(first.cost, static_cast<float>(-BoostAutomaton::kMostHeld));
  EXPECT_FLOAT_EQ(StepBoost(automaton->table(), first.state, 8).cost,
                  static_cast<float>(BoostAutomaton::kMostHeld - 100.0));
}

TEST(BoostAutomaton, EqualPhrasesAddUp) {
  const BoostPhrase phrases[] = {{{3}, 1.0f}, {{3}, 2.5f}};
  const auto automaton = BoostAutomaton::Build(phrases);
  ASSERT_TRUE(automaton.ok());
  EXPECT_FLOAT_EQ(StepBoost(automaton->table(), 0, 3).cost, -3.5f);
}

TEST(BoostAutomaton, RefusesBadPhrases) {
  const BoostPhrase empty[] = {{{1}, 1.0f}, {{}, 1.0f}};
  EXPECT_EQ(BoostAutomaton::Build(empty).status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(BoostAutomaton::Build(empty).status().ToString().find("phrase 1"), std::string::npos);
  const BoostPhrase no_word[] = {{{1, 0}, 1.0f}};
  EXPECT_EQ(BoostAutomaton::Build(no_word).status().code(), StatusCode::kInvalidArgument);
  const BoostPhrase not_finite[] = {{{1}, NAN}};
  EXPECT_EQ(BoostAutomaton::Build(not_finite).status().code(), StatusCode::kInvalidArgument);
  std::vector<BoostPhrase> many;
  for (uint32_t word = 1; word <= BoostAutomaton::kMaxStates; ++word) many.push_back({{word}, 1.0f});
  EXPECT_EQ(BoostAutomaton::Build(many).status().code(), StatusCode::kResourceExhausted);
  many.pop_back();
  EXPECT_TRUE(BoostAutomaton::Build(many).ok());
}

// The reference: the plain search over the graph composed with the automaton beforehand.
TEST(BoostedSearch, EqualsTheSearchOfTheComposedGraph) {
  std::mt19937_64 random(PropertySeed());
  SearchStatistics total;
  for (int round = 0; round < 60; ++round) {
    const BoostedCase c(random);
    SearchStatistics statistics;
    const RawLattice boosted = Search(c.graph.Image(), c.nll(), c.options, 0, &statistics, &c.automaton);
    const RawLattice composed = Search(c.ComposedGraph().Image(), c.nll(), c.options);
    ASSERT_EQ(boosted.partial, composed.partial) << "round " << round;
    ASSERT_EQ(SurvivorHash(c.WithComposedStates(boosted)), SurvivorHash(composed)) << "round " << round;
    total.max_active_frames += statistics.max_active_frames;
    total.capped_frames += statistics.capped_frames;
    total.collapsed_frames += statistics.collapsed_frames;
  }
  EXPECT_GT(total.max_active_frames, 0);
  EXPECT_GT(total.capped_frames, 0);
  EXPECT_GT(total.collapsed_frames, 0);
}

TEST(BoostedSearch, WithoutPhrasesChangesNothing) {
  std::mt19937_64 random(PropertySeed());
  const BoostedCase c(random);
  const BoostAutomaton nothing;
  EXPECT_EQ(SurvivorHash(Search(c.graph.Image(), c.nll(), c.options, 0, nullptr, &nothing)),
            SurvivorHash(Search(c.graph.Image(), c.nll(), c.options)));
}

}  // namespace
}  // namespace skald::test
