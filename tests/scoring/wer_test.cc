#include "scoring/wer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

#include "scoring/bootstrap.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<Utterance> kReferences = {{"a-1", "a", "the cat sat on the mat"},
                                            {"a-2", "a", "hello world"},
                                            {"b-1", "b", "yes"},
                                            {"b-2", "b", ""}};

ScoringOptions With(void (*change)(ScoringOptions&)) {
  ScoringOptions options;
  change(options);
  return options;
}

TEST(Wer, CountsByUtteranceSpeakerAndInAll) {
  const auto report = ScoreWer(
      kReferences,
      {{"b-2", "", "UH"}, {"a-1", "", "THE CAT SIT ON MAT"}, {"b-1", "", "YES"}, {"c-9", "", "WHO"}});
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  ASSERT_EQ(report->utterances.size(), 4u);
  EXPECT_EQ(report->utterances[0].counts, (ErrorCounts{4, 1, 0, 1}));
  EXPECT_EQ(report->utterances[1].counts, (ErrorCounts{0, 0, 0, 2}));
  EXPECT_TRUE(report->utterances[1].hypothesis_missing);
  EXPECT_EQ(report->speakers.at("a"), (ErrorCounts{4, 1, 0, 3}));
  EXPECT_EQ(report->speakers.at("b"), (ErrorCounts{1, 0, 1, 0}));
  EXPECT_EQ(report->total, (ErrorCounts{5, 1, 1, 3}));
  EXPECT_DOUBLE_EQ(report->total.wer(), 5.0 / 9.0);
  EXPECT_DOUBLE_EQ(report->sentence_error_rate(), 0.75);
  EXPECT_THAT(report->missing, ElementsAre("a-2"));
  EXPECT_THAT(report->unknown, ElementsAre("c-9"));
  const std::string text = FormatWerReport(*report, {});
  EXPECT_THAT(text, HasSubstr("WER 55.56 %"));
  EXPECT_THAT(text, HasSubstr("count as deleted: a-2"));
  EXPECT_THAT(text, HasSubstr("were ignored: c-9"));
  EXPECT_THAT(text, HasSubstr("SAT -> SIT"));
}

TEST(Wer, ListsTheCommonestErrorsFirst) {
  const auto report = ScoreWer({{"1", "", "A B A B A"}}, {{"1", "", "X B X B"}},
                               With([](ScoringOptions& o) { o.bootstrap_samples = 0; }));
  ASSERT_EQ(report->confusions.size(), 2u);
  EXPECT_EQ(report->confusions[0].reference, "A");
  EXPECT_EQ(report->confusions[0].hypothesis, "X");
  EXPECT_EQ(report->confusions[0].count, 2);
  EXPECT_EQ(report->confusions[1].hypothesis, "") << "a deletion";
}

TEST(Wer, RatesOfNothing) {
  EXPECT_EQ(ErrorCounts{}.wer(), 0.0);
  EXPECT_EQ((ErrorCounts{0, 0, 3, 0}).wer(), 1.0);
  const auto report = ScoreWer({}, {});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->total.wer(), 0.0);
  EXPECT_EQ(report->sentence_error_rate(), 0.0);
  EXPECT_THAT(FormatWerReport(*report, {}), HasSubstr("WER 0.00 %"));
}

TEST(Wer, BadInputIsNamed) {
  const auto reason = [](const std::vector<Utterance>& hypotheses, const ScoringOptions& options) {
    const auto report = ScoreWer(kReferences, hypotheses, options);
    EXPECT_EQ(report.status().code(), StatusCode::kInvalidArgument);
    return report.status().reason();
  };
  EXPECT_THAT(reason({{"a-1", "", ""}, {"a-1", "", ""}}, {}), HasSubstr("hypothesis a-1 is given twice"));
  EXPECT_THAT(reason({}, With([](ScoringOptions& o) { o.allow_missing = false; })),
              HasSubstr("4 references have no hypothesis: a-1, a-2, b-1 and 1 more"));
  EXPECT_THAT(reason({{"zz", "", ""}}, With([](ScoringOptions& o) { o.allow_unknown = false; })),
              HasSubstr("1 hypotheses have no reference: zz"));
  EXPECT_THAT(reason({}, With([](ScoringOptions& o) { o.costs.substitution = 0; })), HasSubstr("costs"));
  EXPECT_THAT(reason({}, With([](ScoringOptions& o) { o.bootstrap_samples = -1; })), HasSubstr("samples"));
  EXPECT_THAT(reason({}, With([](ScoringOptions& o) { o.confidence = 1.0; })), HasSubstr("confidence"));
  EXPECT_THAT(ScoreWer({kReferences[0], kReferences[0]}, {}).status().reason(),
              HasSubstr("reference a-1 is given twice"));
}

/// Utterances of ten words, each word wrong with probability `error_rate`.
std::vector<Utterance> NoisyHypotheses(std::mt19937_64& random, size_t count, double error_rate) {
  std::vector<Utterance> utterances;
  for (size_t i = 0; i < count; ++i) {
    Utterance utterance{std::to_string(i), "", ""};
    for (int word = 0; word < 10; ++word) {
      const bool wrong = static_cast<double>(random() % 100000) < error_rate * 100000;
      utterance.text += wrong ? "WRONG " : "RIGHT ";
    }
    utterances.push_back(std::move(utterance));
  }
  return utterances;
}

TEST(Bootstrap, IntervalIsReproducibleAndAsWideAsTheoryHasIt) {
  std::mt19937_64 random(7);
  const auto references = NoisyHypotheses(random, 400, 0.0);
  const auto hypotheses = NoisyHypotheses(random, 400, 0.2);
  const auto report = ScoreWer(references, hypotheses), again = ScoreWer(references, hypotheses);
  EXPECT_EQ(report->wer_interval.low, again->wer_interval.low);
  EXPECT_EQ(report->wer_interval.high, again->wer_interval.high);
  EXPECT_LE(report->wer_interval.low, report->total.wer());
  EXPECT_GE(report->wer_interval.high, report->total.wer());
  // 4000 independent words: standard deviation sqrt(0.2 * 0.8 / 4000) = 0.0063, so 95 % are 0.0248 wide.
  EXPECT_NEAR(report->wer_interval.high - report->wer_interval.low, 0.0248, 0.004);
}

TEST(Bootstrap, CoversTheTrueRateAboutAsOftenAsPromised) {
  std::mt19937_64 random(11);
  const auto references = NoisyHypotheses(random, 60, 0.0);
  int covered = 0;
  for (int trial = 0; trial < 200; ++trial) {
    const auto report = ScoreWer(references, NoisyHypotheses(random, 60, 0.15),
                                 With([](ScoringOptions& o) { o.bootstrap_samples = 300; }));
    covered += report->wer_interval.low <= 0.15 && report->wer_interval.high >= 0.15 ? 1 : 0;
  }
  EXPECT_GE(covered, 200 * 0.88);
}

TEST(CompareSystems, FindsADifferenceAndDoesNotInventOne) {
  std::mt19937_64 random(5);
  const auto references = NoisyHypotheses(random, 300, 0.0);
  const auto bad = ScoreWer(references, NoisyHypotheses(random, 300, 0.20));
  const auto same = ScoreWer(references, NoisyHypotheses(random, 300, 0.20));
  const auto good = ScoreWer(references, NoisyHypotheses(random, 300, 0.10));
  const auto clear = CompareSystems(*bad, *good);
  EXPECT_NEAR(clear->wer_difference, good->total.wer() - bad->total.wer(), 1e-12);
  EXPECT_LT(clear->difference_interval.high, 0.0);
  EXPECT_LT(clear->p_value, 1e-6);
  EXPECT_EQ(clear->probability_of_improvement, 1.0);
  EXPECT_EQ(clear->better + clear->worse + clear->equal, 300);
  const auto none = CompareSystems(*bad, *same);
  EXPECT_LT(none->difference_interval.low, 0.0);
  EXPECT_GT(none->difference_interval.high, 0.0);
  EXPECT_GT(none->p_value, 0.05);
  const auto itself = CompareSystems(*bad, *bad);
  EXPECT_EQ(itself->p_value, 1.0);
  EXPECT_EQ(itself->equal, 300);
}

TEST(CompareSystems, RefusesDifferentReferences) {
  const auto a = ScoreWer({{"1", "", "A"}}, {}), b = ScoreWer({{"2", "", "A"}}, {}), none = ScoreWer({}, {});
  EXPECT_THAT(CompareSystems(*a, *b).status().reason(), HasSubstr("different utterances: 1 and 2"));
  EXPECT_FALSE(CompareSystems(*a, *none).ok());
}

}  // namespace
}  // namespace skald
