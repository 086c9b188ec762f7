#include "frontend/features/sliding_mean.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <vector>

#include "support/test_environment.h"

namespace skald {
namespace {

using Frames = std::vector<std::vector<float>>;

/// The mean of value `i` of the frames up to `frame`, with the global mean, computed anew.
double Mean(const Frames& frames, int64_t frame, size_t i, const SlidingMeanOptions& options,
            const std::vector<float>& global_mean) {
  double sum = 0;
  int count = 0;
  for (int64_t t = std::max<int64_t>(0, frame + 1 - options.frames); t <= frame; ++t, ++count)
    sum += double{frames[static_cast<size_t>(t)][i]};
  const int global = std::min(options.frames - count, options.global_frames);
  return (sum + global * double{global_mean[i]}) / (count + global);
}

TEST(SlidingMeanTest, TakesTheMeanOfTheFramesUpToAFrameInAnyOrderOfCalls) {
  std::mt19937_64 random(test::PropertySeed());
  std::uniform_real_distribution<float> value(-100.0f, 100.0f);
  SlidingMeanOptions options;
  options.frames = 1 + static_cast<int>(random() % 40);
  options.global_frames = static_cast<int>(random() % 50);
  const std::vector<float> global_mean = {value(random), value(random), value(random)};
  SlidingMean mean(options, global_mean);
  Frames frames(100);
  for (std::vector<float>& frame : frames) {
    frame = {value(random), value(random), value(random)};
    mean.Add(frame.data());
  }
  mean.Forget(20);
  for (int call = 0; call < 200; ++call) {
    const auto frame = static_cast<int64_t>(20 + random() % 80);
    const std::vector<float>& values = frames[static_cast<size_t>(frame)];
    std::vector<float> normalised(3);
    mean.Normalise(frame, values.data(), normalised.data());
    for (size_t i = 0; i < 3; ++i)
      EXPECT_NEAR(normalised[i], values[i] - Mean(frames, frame, i, options, global_mean), 1e-3);
  }
}

/// The numbers are those of Vosk 0.3.45: 181 frames of speech and 200 global ones; the first quiet frame has
/// 200 more, the next fills up to 600, and from then on nothing is added.
TEST(SlidingMeanTest, QuietFramesHaveTheMeanOfTheCallBeforeDrawnTowardsTheGlobalOne) {
  SlidingMeanOptions options;
  options.least_energy = 50;
  SlidingMean mean(options, {90.0f, 0.0f});
  const float speech[] = {110.0f, 6.0f}, quiet[] = {-100.0f, 0.0f};
  for (int t = 0; t < 181; ++t) mean.Add(speech);
  for (int t = 0; t < 3; ++t) mean.Add(quiet);
  float normalised[2];
  mean.Normalise(180, speech, normalised);
  EXPECT_NEAR(normalised[1], 6.0 - 6.0 * 181 / 381, 1e-5);
  const double counts[] = {581, 600, 600};
  for (int64_t t = 0; t < 3; ++t) {
    mean.Normalise(181 + t, quiet, normalised);
    EXPECT_NEAR(normalised[1], -6.0 * 181 / counts[t], 1e-5) << t;
    EXPECT_NEAR(normalised[0], -100 - (110.0 * 181 + 90 * (counts[t] - 181)) / counts[t], 1e-4) << t;
  }
  mean.Normalise(180, speech, normalised);
  EXPECT_NEAR(normalised[1], 6.0 - 6.0 * 181 / 381, 1e-5) << "speech has its own mean again";
}

TEST(SlidingMeanTest, AStreamThatBeginsQuietHasTheGlobalMean) {
  SlidingMeanOptions options;
  options.least_energy = 50;
  SlidingMean mean(options, {90.0f});
  const float quiet[] = {10.0f};
  mean.Add(quiet);
  float normalised[1];
  mean.Normalise(0, quiet, normalised);
  EXPECT_EQ(normalised[0], -80.0f);
}

TEST(SlidingMeanTest, WithoutAnyMeanNothingIsTakenOut) {
  SlidingMeanOptions options;
  options.global_frames = 0;
  options.least_energy = 50;
  SlidingMean mean(options, {90.0f});
  const float quiet[] = {10.0f};
  mean.Add(quiet);
  float normalised[1];
  mean.Normalise(0, quiet, normalised);
  EXPECT_EQ(normalised[0], 10.0f);
}

}  // namespace
}  // namespace skald
