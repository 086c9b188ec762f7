#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <iostream>

#include "base/npy.h"
#include "engine/score_stitcher.h"
#include "engine/scorer.h"
#include "frontend/media/media_reader.h"
#include "frontend/segmentation/window_cutter.h"
#include "models/bundle/bundle.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

/// Scores of a golden recording of 15 s: seen whole, and joined from overlapping windows.
class StitchingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto bundle = Bundle::Open(test::ProjectPath("models/en-base"));
    ASSERT_TRUE(bundle.ok()) << bundle.status().ToString();
    ScorerOptions options;
    options.precision = "f32";
    options.heads = {"char"};
    options.scaling = {{}};
    auto scorers = MakeCpuScorers(*bundle, options, 1);
    ASSERT_TRUE(scorers.ok()) << scorers.status().ToString();
    scorer_ = std::move(scorers->front());
    auto reader = MediaReader::Open(test::ProjectPath("models/en-base/golden/long15.wav"), {});
    ASSERT_TRUE(reader.ok()) << reader.status().ToString();
    for (auto block = (*reader)->Read(); block.ok() && block->has_value(); block = (*reader)->Read()) {
      samples_.insert(samples_.end(), (*block)->samples.begin(), (*block)->samples.end());
    }
    ASSERT_GT(samples_.size(), 14u * kSampleRateHz);
  }

  static void Append(const ScoreRows& rows, ScoreMatrix* matrix) {
    matrix->nll.insert(matrix->nll.end(), rows.nll.data, rows.nll.data + rows.frames() * rows.nll.columns);
    matrix->frames += rows.frames();
  }

  ScoreMatrix Whole() {
    std::vector<ScoreRows> scores;
    ScorerTiming timing;
    EXPECT_TRUE(scorer_->Score(std::vector<WindowInput>{samples_}, &scores, &timing).ok());
    ScoreMatrix whole(0, scorer_->shape().units);
    Append(scores.front(), &whole);
    return whole;
  }

  ScoreMatrix Joined(double window_s, double context_s) {
    WindowOptions options{window_s, context_s, scorer_->shape().frame_shift_samples};
    WindowCutter cutter(options);
    std::vector<Window> windows = cutter.Push(samples_);
    windows.push_back(*cutter.Finish());
    ScoreStitcher stitcher;
    ScoreMatrix joined(0, scorer_->shape().units);
    for (const Window& window : windows) {
      std::vector<ScoreRows> scores;
      ScorerTiming timing;
      EXPECT_TRUE(scorer_->Score(std::vector<WindowInput>{window.samples}, &scores, &timing).ok());
      stitcher.Add({window.index, window.first_frame, window.keep_first_frame, window.keep_end_frame,
                    window.last, std::move(scores.front())},
                   [&](const ScoreRows& rows) { Append(rows, &joined); });
    }
    return joined;
  }

  /// Mean over frames of half the L1 distance between the distributions over units: 0 equal, 1 disjoint.
  static double MeanDistance(const ScoreMatrix& a, const ScoreMatrix& b) {
    double sum = 0;
    for (size_t i = 0; i < a.nll.size(); ++i) sum += std::abs(std::exp(-a.nll[i]) - std::exp(-b.nll[i]));
    return 0.5 * sum / static_cast<double>(a.frames);
  }

  std::unique_ptr<Scorer> scorer_;
  std::vector<float> samples_;
};

TEST_F(StitchingTest, OneWindowIsExact) { EXPECT_EQ(Joined(30, 3).nll, Whole().nll); }

TEST_F(StitchingTest, JoinedWindowsAgreeWithTheWholeInsideTheMargin) {
  const ScoreMatrix whole = Whole();
  const ScoreMatrix joined = Joined(10, 3);
  const ScoreMatrix bare = Joined(4, 0);
  ASSERT_EQ(joined.frames, whole.frames);
  ASSERT_EQ(bare.frames, whole.frames);
  const double with_context = MeanDistance(joined, whole);
  const double without = MeanDistance(bare, whole);
  std::cout << "mean distance with 3 s of context " << with_context << ", without context " << without
            << "\n";
  EXPECT_LE(with_context, test::kStitchedMeanDistance);
  EXPECT_LT(with_context, without) << "context must help";
}

}  // namespace
}  // namespace skald
