#include "scoring/word_times.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tolerances.h"

namespace skald {
namespace {

using ::testing::HasSubstr;

TimedWord At(const std::string& file, const std::string& channel, double start_s, double duration_s,
             const std::string& text) {
  return {file, channel, start_s, duration_s, text, 1};
}

TEST(WordTimes, ErrorsAreThoseOfEqualWordsInEachFileAndChannel) {
  const std::vector<TimedWord> reference = {At("a", "1", 1.0, 0.5, "ONE"),   At("a", "1", 2.0, 0.5, "TWO"),
                                            At("a", "1", 3.0, 0.5, "THREE"), At("a", "B", 1.0, 0.5, "ONE"),
                                            At("b", "1", 1.0, 0.5, "ONE"),   At("c", "1", 1.0, 0.5, "ONE")};
  const std::vector<TimedWord> hypothesis = {
      At("a", "A", 3.3, 0.4, "three"),  // +300, +200 ms; order and case do not count
      At("a", "A", 1.1, 0.5, "ONE"),    // +100, +100
      At("a", "A", 2.0, 0.5, "OTHER"),  // substituted
      At("a", "2", 0.95, 0.5, "ONE"),   // -50, -50
      At("b", "1", 1.02, 0.6, "ONE"),   // +20, +120
      At("d", "1", 1.0, 0.5, "ONE")};
  const WordTimesReport report = CompareWordTimes(reference, hypothesis).value();
  EXPECT_EQ(report.reference_words, 6);
  EXPECT_EQ(report.hypothesis_words, 6);
  EXPECT_EQ(report.matched, 4);
  EXPECT_NEAR(report.start.median_s, 0.05, test::kPathCostAbs);
  EXPECT_NEAR(report.start.mean_s, 0.1175, test::kPathCostAbs);
  EXPECT_NEAR(report.start.p90_s, 0.3, test::kPathCostAbs);
  EXPECT_NEAR(report.start.shift_s, 0.02, test::kPathCostAbs);
  EXPECT_NEAR(report.end.median_s, 0.1, test::kPathCostAbs);
  EXPECT_NEAR(report.end.shift_s, 0.1, test::kPathCostAbs);
  EXPECT_THAT(FormatWordTimes(report), HasSubstr("4 words of 6 in the reference, 6 in the hypothesis"));
  EXPECT_THAT(FormatWordTimes(report),
              HasSubstr("starts median 50.0 ms, mean 117.5 ms, 90 % within 300.0 ms"));
}

TEST(WordTimes, NothingInCommonIsAnError) {
  EXPECT_EQ(CompareWordTimes({}, {}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(CompareWordTimes({At("a", "1", 0, 1, "ONE")}, {At("a", "1", 0, 1, "TWO")}).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace skald
