#include "scoring/word_alignment.h"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <random>

#include "support/test_environment.h"

namespace skald {
namespace {

using Words = std::vector<std::string>;

/// "C", "S", "I", "D" for each step.
std::string Steps(const Words& reference, const Words& hypothesis, const AlignmentCosts& costs = {}) {
  std::string steps;
  const auto edits = AlignWords(reference, hypothesis, costs);
  for (const Edit& edit : edits.value()) steps += "CSID"[static_cast<size_t>(edit.kind)];
  return steps;
}

int Cost(const std::string& steps, const AlignmentCosts& costs) {
  const auto count = [&](char step) {
    return static_cast<int>(std::count(steps.begin(), steps.end(), step));
  };
  return count('S') * costs.substitution + count('I') * costs.insertion + count('D') * costs.deletion;
}

/// The least cost, by trying every alignment.
int BruteForceCost(const Words& reference, const Words& hypothesis, const AlignmentCosts& costs) {
  std::function<int(size_t, size_t)> least = [&](size_t i, size_t j) -> int {
    if (i == 0 && j == 0) return 0;
    int best = 1 << 30;
    if (i > 0 && j > 0) {
      best = least(i - 1, j - 1) + (reference[i - 1] == hypothesis[j - 1] ? 0 : costs.substitution);
    }
    if (i > 0) best = std::min(best, least(i - 1, j) + costs.deletion);
    if (j > 0) best = std::min(best, least(i, j - 1) + costs.insertion);
    return best;
  };
  return least(reference.size(), hypothesis.size());
}

TEST(WordAlignment, SmallCases) {
  EXPECT_EQ(Steps({}, {}), "");
  EXPECT_EQ(Steps({"A", "B"}, {}), "DD");
  EXPECT_EQ(Steps({}, {"A"}), "I");
  EXPECT_EQ(Steps({"A", "B", "C"}, {"A", "X", "C"}), "CSC");
  EXPECT_EQ(Steps({"A", "B", "C"}, {"A", "C"}), "CDC");
  EXPECT_EQ(Steps({"A", "C"}, {"A", "B", "C"}), "CIC");
}

TEST(WordAlignment, TwoSubstitutionsCostMoreThanAnInsertionAndADeletion) {
  EXPECT_EQ(Steps({"A", "B", "A"}, {"B", "A", "B"}), "DCCI");
  EXPECT_EQ(Steps({"A", "B", "A"}, {"B", "A", "B"}, {2, 4, 4}), "SSS");
  EXPECT_EQ(Steps({"A", "B"}, {"B", "A"}, {1, 1, 1}), "SS");
}

TEST(WordAlignment, IsWholeAndOfLeastCost) {
  std::mt19937_64 random(test::PropertySeed());
  for (int trial = 0; trial < 500; ++trial) {
    Words reference(random() % 6), hypothesis(random() % 6);
    for (std::string& word : reference) word = std::string(1, static_cast<char>('A' + random() % 3));
    for (std::string& word : hypothesis) word = std::string(1, static_cast<char>('A' + random() % 3));
    const AlignmentCosts costs{1 + static_cast<int>(random() % 8), 1 + static_cast<int>(random() % 5),
                               1 + static_cast<int>(random() % 5)};
    ASSERT_EQ(Cost(Steps(reference, hypothesis, costs), costs), BruteForceCost(reference, hypothesis, costs));
    int next_reference = 0, next_hypothesis = 0;
    const auto edits = AlignWords(reference, hypothesis, costs);
    for (const Edit& edit : edits.value()) {
      if (edit.reference >= 0) {
        ASSERT_EQ(edit.reference, next_reference++);
      }
      if (edit.hypothesis >= 0) {
        ASSERT_EQ(edit.hypothesis, next_hypothesis++);
      }
      ASSERT_EQ(edit.reference < 0, edit.kind == EditKind::kInsertion);
      ASSERT_EQ(edit.hypothesis < 0, edit.kind == EditKind::kDeletion);
      if (edit.reference >= 0 && edit.hypothesis >= 0) {
        ASSERT_EQ(reference[static_cast<size_t>(edit.reference)] ==
                      hypothesis[static_cast<size_t>(edit.hypothesis)],
                  edit.kind == EditKind::kCorrect);
      }
    }
    ASSERT_EQ(next_reference, static_cast<int>(reference.size()));
    ASSERT_EQ(next_hypothesis, static_cast<int>(hypothesis.size()));
  }
}

TEST(WordAlignment, RefusesWhatWouldNotFitIntoMemory) {
  const Words many(200000, "A");
  const auto edits = AlignWords(many, many);
  ASSERT_FALSE(edits.ok());
  EXPECT_EQ(edits.status().code(), StatusCode::kResourceExhausted);
}

TEST(WordAlignment, AlignsAnHourOfSpeech) {
  Words reference, hypothesis;
  for (int i = 0; i < 9000; ++i) {
    reference.push_back(std::to_string(i * 7919 % 800));
    hypothesis.push_back(i % 10 == 0 ? "WRONG" : reference.back());
  }
  const std::string steps = Steps(reference, hypothesis);
  EXPECT_EQ(std::count(steps.begin(), steps.end(), 'S'), 900);
  EXPECT_EQ(std::count(steps.begin(), steps.end(), 'C'), 8100);
}

}  // namespace
}  // namespace skald
