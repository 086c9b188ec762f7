#include "decoder/combine/time_offset.h"

#include <gtest/gtest.h>

#include "support/test_environment.h"
#include "word_lists.h"

namespace skald::test {
namespace {

TEST(TimeOffset, IsFoundThroughErrors) {
  std::mt19937_64 random(PropertySeed());
  const auto truth = WordsOf("thequickbrownfoxjumpsoverthelazydogandrunsaway");
  for (const double shift_s : {0.0, 0.12, -0.3}) {
    std::vector<SystemWord> other = WithErrors(truth, 0.2, random);
    for (SystemWord& word : other) {
      word.start_s += shift_s;
      word.end_s += shift_s;
    }
    // Starts in `other` are up to 0.1 s late, so middles up to 0.05 s.
    EXPECT_NEAR(MedianOffset(WordTimeOffsets(truth, other)), shift_s + 0.025, 0.03);
    EXPECT_NEAR(MedianOffset(WordTimeOffsets(other, truth)), -shift_s - 0.025, 0.03);
  }
}

TEST(TimeOffset, OnlyEqualWordsCount) {
  const std::vector<SystemWord> a = {{1, 0, 1}, {2, 1, 2}, {3, 2, 3}},
                                b = {{1, 0.5, 1.5}, {9, 7, 8}, {3, 2.5, 3.5}};
  EXPECT_EQ(WordTimeOffsets(a, b), (std::vector<double>{0.5, 0.5}));
  EXPECT_TRUE(WordTimeOffsets(a, {}).empty());
  EXPECT_TRUE(WordTimeOffsets({}, a).empty());
  EXPECT_EQ(MedianOffset({}), 0);
  EXPECT_EQ(MedianOffset({3, 1, 2}), 2);
  EXPECT_EQ(MedianOffset({4, 3, 1, 2}), 2);
}

}  // namespace
}  // namespace skald::test
