#include "scoring/confidence_score.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <vector>

#include "scoring/wer.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using Words = std::vector<ConfidenceObservation>;

TEST(NormalizedCrossEntropy, KnownValues) {
  const double share = 0.75;
  Words words = {{share, true}, {share, true}, {share, true}, {share, false}};
  EXPECT_NEAR(*NormalizedCrossEntropy(words), 0, 1e-12);  // the share of right words tells nothing
  words = {{1, true}, {1, true}, {1, true}, {0, false}};
  EXPECT_NEAR(*NormalizedCrossEntropy(words), 1, 1e-6);
  words = {{0.9, true}, {0.8, true}, {0.7, true}, {0.4, false}};
  const double entropy = -3 * std::log2(0.75) - std::log2(0.25);
  EXPECT_NEAR(*NormalizedCrossEntropy(words),
              1 + (std::log2(0.9) + std::log2(0.8) + std::log2(0.7) + std::log2(0.6)) / entropy, 1e-12);
  EXPECT_LT(*NormalizedCrossEntropy(Words{{0.1, true}, {0.9, false}}), 0);
  EXPECT_FALSE(NormalizedCrossEntropy({}).has_value());
  EXPECT_FALSE(NormalizedCrossEntropy(Words{{0.5, true}}).has_value());
}

/// Words whose confidence p is wrong about itself: they are right with probability `truth(p)`.
template <typename Truth>
Words Draw(size_t count, std::mt19937_64& random, Truth truth) {
  std::uniform_real_distribution<double> uniform(0, 1);
  Words words;
  for (size_t i = 0; i < count; ++i) {
    const double p = std::sqrt(uniform(random));
    words.push_back({p, uniform(random) < truth(p)});
  }
  return words;
}

TEST(FitConfidenceMap, FindsTheTruth) {
  std::mt19937_64 random(test::PropertySeed());
  const auto truth = [](double p) { return 0.2 + 0.6 * p * p; };
  const Words words = Draw(40000, random, truth);
  const ConfidenceMap map = FitConfidenceMap(words).value();
  for (double p = 0.1; p < 1; p += 0.1) EXPECT_NEAR(map(p), truth(p), 0.04) << p;
}

TEST(FitConfidenceMap, NoRisingMapThroughTheSamePlacesIsBetter) {
  std::mt19937_64 random(test::PropertySeed());
  const Words words = Draw(500, random, [](double p) { return 0.1 + 0.8 * std::abs(p - 0.4); });
  ConfidenceFitOptions options;
  options.least_doubt = 1e-4;
  options.iterations = 20000;
  const ConfidenceMap map = FitConfidenceMap(words, options).value();
  const auto entropy_with = [&](const ConfidenceMap& candidate) {
    Words mapped = words;
    for (ConfidenceObservation& word : mapped) word.confidence = candidate(word.confidence);
    return *NormalizedCrossEntropy(mapped);
  };
  const double best = entropy_with(map);
  EXPECT_GT(best, *NormalizedCrossEntropy(words));
  std::uniform_real_distribution<double> step(-0.05, 0.05);
  for (int round = 0; round < 300; ++round) {
    std::vector<ConfidenceMap::Point> points = map.points();
    for (size_t i = 0; i < points.size(); ++i) {
      points[i].calibrated = std::clamp(points[i].calibrated + step(random), 0.0, 1.0);
      if (i > 0) points[i].calibrated = std::max(points[i].calibrated, points[i - 1].calibrated);
    }
    // Values are rounded to 4 decimals and the climb ends a little below the top.
    ASSERT_LE(entropy_with(ConfidenceMap::Create(points).value()), best + 2e-4) << "round " << round;
  }
}

TEST(FitConfidenceMap, KeepsAwayFromCertainty) {
  Words words;
  for (int i = 0; i < 50; ++i) words.push_back({i < 10 ? 0.1 : 0.99, i >= 10});
  const ConfidenceMap map = FitConfidenceMap(words).value();
  EXPECT_GE(map(0), 0.005);
  EXPECT_LE(map(1), 0.995);
}

TEST(FitConfidenceMap, NothingToLearnFromIsRefused) {
  EXPECT_FALSE(FitConfidenceMap({}).ok());
  EXPECT_FALSE(FitConfidenceMap(Words{{0.5, true}, {0.6, true}}).ok());
  ConfidenceFitOptions options;
  options.points = 1;
  EXPECT_FALSE(FitConfidenceMap(Words{{0.5, true}, {0.6, false}}, options).ok());
}

TEST(WerReport, PairsConfidencesWithWhatTheAlignmentSays) {
  const std::vector<Utterance> references = {{"u", "", "A B C"}, {"v", "", "D"}};
  const std::vector<Utterance> hypotheses = {
      {"u", "", "a x-y c d", {{"a", 0.9}, {"x-y", 0.5}, {"c", 0.8}, {"d", 0.1}}}, {"v", "", "D"}};
  const WerReport report = ScoreWer(references, hypotheses).value();
  ASSERT_EQ(report.confidences.size(), 4u);  // the utterance without confidences has none
  const bool correct[] = {true, false, true, false};
  const double confidence[] = {0.9, 0.5, 0.8, 0.1};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(report.confidences[i].is_correct, correct[i]) << i;
    EXPECT_EQ(report.confidences[i].confidence, confidence[i]) << i;
  }
  EXPECT_NE(FormatWerReport(report, {}).find("normalized cross entropy"), std::string::npos);
}

}  // namespace
}  // namespace skald
