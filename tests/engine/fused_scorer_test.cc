#include "engine/fused_scorer.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald::test {
namespace {

/// Gives the same scores for every window; frames of 320 samples.
class FixedScorer : public Scorer {
 public:
  explicit FixedScorer(ScoreMatrix scores, double frame_shift_s = 0.02) : scores_(std::move(scores)) {
    shape_.units = scores_.units;
    shape_.frame_shift_s = frame_shift_s;
    shape_.frame_shift_samples = static_cast<int64_t>(frame_shift_s * 16000 + 0.5);
    shape_.precision = "f32";
  }
  const ScorerShape& shape() const override { return shape_; }
  Status Score(std::span<const WindowInput> windows, std::vector<ScoreRows>* scores, ScorerTiming*) override {
    scores->assign(windows.size(), MakeHostScores(scores_));
    return Status::Ok();
  }

 private:
  ScoreMatrix scores_;
  ScorerShape shape_;
};

/// Negative log-probs of random distributions.
ScoreMatrix RandomScores(int64_t frames, int64_t units, std::mt19937_64& random) {
  ScoreMatrix scores(frames, units);
  std::uniform_real_distribution<double> logit(-6, 6);
  for (int64_t f = 0; f < frames; ++f) {
    double sum = 0;
    std::vector<double> p;
    for (int64_t u = 0; u < units; ++u) {
      p.push_back(std::exp(logit(random)));
      sum += p.back();
    }
    for (int64_t u = 0; u < units; ++u) {
      scores.mutable_view()(f, u) = static_cast<float>(-std::log(p[static_cast<size_t>(u)] / sum));
    }
  }
  return scores;
}

StatusOr<ScoreRows> Fuse(const std::vector<ScoreMatrix>& matrices, const std::vector<double>& weights,
                         FusionRule rule, const ScoreScaling& scaling = {}) {
  std::vector<std::unique_ptr<Scorer>> members;
  for (const ScoreMatrix& matrix : matrices) members.push_back(std::make_unique<FixedScorer>(matrix));
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Scorer> scorer,
                         FusedScorer::Create(std::move(members), weights, rule, {scaling}));
  const std::vector<float> samples(320);
  const WindowInput window(samples);
  std::vector<ScoreRows> scores;
  ScorerTiming timing;
  SKALD_RETURN_IF_ERROR(scorer->Score({&window, 1}, &scores, &timing));
  return scores[0];
}

constexpr FusionRule kRules[] = {FusionRule::kArithmetic, FusionRule::kLogLinear};

TEST(FusedScorer, MeansOfProbabilitiesAndOfTheirLogarithms) {
  std::mt19937_64 random(PropertySeed());
  const ScoreMatrix a = RandomScores(20, 5, random), b = RandomScores(20, 5, random);
  const ScoreScaling scaling{0.8f, 0.5f};
  const auto arithmetic = Fuse({a, b}, {3, 1}, FusionRule::kArithmetic, scaling);
  const auto log_linear = Fuse({a, b}, {3, 1}, FusionRule::kLogLinear, scaling);
  ASSERT_TRUE(arithmetic.ok() && log_linear.ok());
  for (int64_t f = 0; f < 20; ++f) {
    for (int64_t u = 0; u < 5; ++u) {
      const double in_a = a.view()(f, u), in_b = b.view()(f, u), penalty = u == 0 ? 0.5 : 0.0;
      const double mean = -std::log(0.75 * std::exp(-in_a) + 0.25 * std::exp(-in_b));
      EXPECT_NEAR(arithmetic->nll(f, u), 0.8 * (mean + penalty), kFusedScoreAbs);
      EXPECT_NEAR(log_linear->nll(f, u), 0.8 * (0.75 * in_a + 0.25 * in_b + penalty), kFusedScoreAbs);
      if (u == 0) {
        EXPECT_NEAR(arithmetic->blank_nll[f], mean, kFusedScoreAbs);
      }
    }
  }
}

TEST(FusedScorer, AModelAloneOrWithItselfOrBesideWeightZeroStaysAsItIs) {
  std::mt19937_64 random(PropertySeed());
  const ScoreMatrix a = RandomScores(20, 5, random), b = RandomScores(20, 5, random);
  for (const FusionRule rule : kRules) {
    for (const auto& fused : {Fuse({a}, {2}, rule), Fuse({a, b}, {1, 0}, rule), Fuse({b, a}, {0, 3}, rule)}) {
      ASSERT_TRUE(fused.ok());
      for (size_t i = 0; i < a.nll.size(); ++i) ASSERT_EQ(fused->nll.data[i], a.nll[i]) << "bit for bit";
    }
    const auto twice = Fuse({a, a}, {1, 2}, rule);
    ASSERT_TRUE(twice.ok());
    for (size_t i = 0; i < a.nll.size(); ++i) ASSERT_NEAR(twice->nll.data[i], a.nll[i], kFusedScoreAbs);
  }
}

TEST(FusedScorer, ASpikeOfOneModelSurvivesTheMeanOfProbabilities) {
  ScoreMatrix spike(1, 2), none(1, 2);
  spike.nll = {INFINITY, 0.0f};
  none.nll = {0.0f, INFINITY};
  const auto arithmetic = Fuse({spike, none}, {1, 1}, FusionRule::kArithmetic);
  ASSERT_TRUE(arithmetic.ok());
  EXPECT_NEAR(arithmetic->nll(0, 0), std::log(2.0), kFusedScoreAbs);
  EXPECT_NEAR(arithmetic->nll(0, 1), std::log(2.0), kFusedScoreAbs);
  const auto log_linear = Fuse({spike, none}, {1, 1}, FusionRule::kLogLinear);
  ASSERT_TRUE(log_linear.ok());
  EXPECT_EQ(log_linear->nll(0, 1), INFINITY);
}

TEST(FusedScorer, RefusesWhatDoesNotFit) {
  std::mt19937_64 random(PropertySeed());
  const ScoreMatrix a = RandomScores(20, 5, random);
  const auto code = [&](const std::vector<ScoreMatrix>& matrices, const std::vector<double>& weights) {
    return Fuse(matrices, weights, FusionRule::kArithmetic).status().code();
  };
  EXPECT_EQ(code({a, a}, {1}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({a, a}, {0, 0}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({a, a}, {1, -1}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({a, a}, {1, NAN}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({a, RandomScores(20, 4, random)}, {1, 1}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({a, RandomScores(19, 5, random)}, {1, 1}), StatusCode::kUnsupported);
  std::vector<std::unique_ptr<Scorer>> members;
  members.push_back(std::make_unique<FixedScorer>(a));
  members.push_back(std::make_unique<FixedScorer>(a, 0.04));
  EXPECT_EQ(FusedScorer::Create(std::move(members), {1, 1}, FusionRule::kArithmetic, {}).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace skald::test
