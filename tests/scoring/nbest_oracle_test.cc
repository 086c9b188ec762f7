#include "scoring/nbest_oracle.h"

#include <gtest/gtest.h>
#include <random>

#include "support/test_environment.h"

namespace skald {
namespace {

int64_t Errors(const std::string& reference, const std::vector<std::vector<std::string>>& texts) {
  return ScoreOracle({{"u", "", reference}}, {{"u", texts}}).value().errors;
}

TEST(NbestOracle, TakesTheBestOfEverySegment) {
  EXPECT_EQ(Errors("A B C D", {{"A X", "A B"}, {"D", "C"}}), 1);
  EXPECT_EQ(Errors("A B C D", {{"a b"}, {"C D", ""}}), 0);
  EXPECT_EQ(Errors("A B", {}), 2);
  EXPECT_EQ(Errors("", {{"X Y", "Z"}}), 1);
  const OracleReport report =
      ScoreOracle({{"u", "", "A B"}, {"missing", "", "C"}}, {{"u", {{"A", "A B"}, {"", "B", "C"}}}}).value();
  EXPECT_EQ(report.reference_words, 3);
  EXPECT_EQ(report.errors, 1);
  EXPECT_EQ(report.alternatives, 2.5);
  EXPECT_FALSE(ScoreOracle({}, {{"u", {}}, {"u", {}}}).ok());
}

TEST(NbestOracle, EqualsTheBestOfAllChoices) {
  std::mt19937_64 random(test::PropertySeed());
  const auto text = [&] {
    std::string words;
    for (size_t n = random() % 4; n > 0; --n)
      words += std::string(1, static_cast<char>('A' + random() % 3)) + " ";
    return words;
  };
  for (int round = 0; round < 200; ++round) {
    const std::string reference = text() + text() + text();
    std::vector<std::vector<std::string>> texts(3);
    for (auto& segment : texts) {
      for (size_t n = 1 + random() % 3; n > 0; --n) segment.push_back(text());
    }
    int64_t best = 1000;
    for (const std::string& a : texts[0]) {
      for (const std::string& b : texts[1]) {
        for (const std::string& c : texts[2]) best = std::min(best, Errors(reference, {{a + b + c}}));
      }
    }
    EXPECT_EQ(Errors(reference, texts), best);
  }
}

}  // namespace
}  // namespace skald
