#include "report/nbest_alternatives.h"

#include <cmath>
#include <gmock/gmock.h>
#include <limits>
#include <random>

#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

Segment WithWords(const std::vector<std::string>& words) {
  Segment segment;
  for (const std::string& word : words) segment.words.push_back({word, 0, 1, 1});
  return segment;
}

TEST(NbestAlternatives, AreWhatOtherStringsHaveInTheWordsPlace) {
  Segment segment = WithWords({"A", "B", "C"});
  segment.nbest = {{"A B C", 10}, {"A D C", 12}, {"A C", 12}, {"A B X C", 11}, {"A E C", 100}};
  ASSERT_TRUE(AddNbestAlternatives(0.5, &segment).ok());
  const double all = 1 + 2 * std::exp(-1.0) + std::exp(-0.5) + std::exp(-45.0);
  EXPECT_THAT(segment.words[0].alternatives, IsEmpty());
  ASSERT_THAT(segment.words[1].alternatives, SizeIs(2));  // E is too unlikely
  EXPECT_EQ(segment.words[1].alternatives[0].text, "");
  EXPECT_EQ(segment.words[1].alternatives[1].text, "D");
  EXPECT_NEAR(segment.words[1].alternatives[1].posterior, std::exp(-1.0) / all, test::kPosteriorSumAbs);
  EXPECT_THAT(segment.words[2].alternatives, IsEmpty());
}

TEST(NbestAlternatives, LeaveWhatIsThere) {
  Segment alone = WithWords({"A"});
  alone.nbest = {{"A", 1}};
  ASSERT_TRUE(AddNbestAlternatives(0.5, &alone).ok());
  EXPECT_THAT(alone.words[0].alternatives, IsEmpty());
  Segment known = WithWords({"A", "B"});
  known.words[1].alternatives = {{"C", 0.25}};
  known.nbest = {{"A B", 1}, {"D E", 1}};
  ASSERT_TRUE(AddNbestAlternatives(0.5, &known).ok());
  EXPECT_THAT(known.words[0].alternatives, IsEmpty());
  EXPECT_THAT(known.words[1].alternatives, SizeIs(1));
}

TEST(NbestAlternatives, RefuseCostsThatAreNone) {
  Segment segment = WithWords({"A"});
  segment.nbest = {{"A", 1}, {"B", -std::numeric_limits<double>::infinity()}};
  EXPECT_EQ(AddNbestAlternatives(0.5, &segment).code(), StatusCode::kCorrupt);
}

TEST(NbestAlternatives, SharesOfAPlaceSumToOneAtMost) {
  std::mt19937_64 random(test::PropertySeed());
  const auto words = [&](size_t most) {
    std::vector<std::string> list(1 + random() % most);
    for (std::string& word : list) word = std::string(1, static_cast<char>('A' + random() % 4));
    return list;
  };
  for (int round = 0; round < 100; ++round) {
    Segment segment = WithWords(words(6));
    for (int i = 0; i < 8; ++i) {
      std::string text;
      for (const std::string& word : words(6)) text += word + ' ';
      segment.nbest.push_back({text, static_cast<double>(i)});
    }
    ASSERT_TRUE(AddNbestAlternatives(0.5, &segment).ok());
    for (const Word& word : segment.words) {
      double sum = 0, before = 1;
      for (const WordAlternative& other : word.alternatives) {
        EXPECT_NE(other.text, word.text);
        EXPECT_LE(other.posterior, before);
        before = other.posterior;
        sum += other.posterior;
      }
      EXPECT_LE(sum, 1 + test::kPosteriorSumAbs);
    }
  }
}

}  // namespace
}  // namespace skald
