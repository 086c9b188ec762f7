#include "frontend/segmentation/window_cutter.h"

#include <gtest/gtest.h>
#include <random>

#include "support/test_environment.h"

namespace skald {
namespace {

std::vector<float> Ramp(size_t count) {
  std::vector<float> samples(count);
  for (size_t i = 0; i < count; ++i) samples[i] = static_cast<float>(i % 16777216);
  return samples;
}

std::vector<Window> CutAll(const WindowOptions& options, PcmView samples, std::mt19937_64* random) {
  WindowCutter cutter(options);
  std::vector<Window> windows;
  while (!samples.empty()) {
    const size_t count =
        random == nullptr ? samples.size() : std::min<size_t>(samples.size(), (*random)() % 40000);
    for (Window& window : cutter.Push(samples.first(count))) windows.push_back(std::move(window));
    samples = samples.subspan(count);
  }
  if (auto window = cutter.Finish()) windows.push_back(std::move(*window));
  return windows;
}

TEST(WindowCutter, KeptFramesJoinWithoutGapAndSamplesAreWhereTheyClaim) {
  const uint64_t seed = test::PropertySeed();
  std::mt19937_64 random(seed);
  for (int trial = 0; trial < 60; ++trial) {
    WindowOptions options;
    options.window_s = 1.0 + 0.1 * static_cast<double>(random() % 40);
    options.context_s = options.window_s * 0.01 * static_cast<double>(random() % 45);
    const std::vector<float> samples = Ramp(1 + random() % 300000);
    const std::vector<Window> windows = CutAll(options, samples, &random);
    ASSERT_FALSE(windows.empty());
    int64_t next_frame = 0;
    for (size_t i = 0; i < windows.size(); ++i) {
      const Window& window = windows[i];
      EXPECT_EQ(window.index, static_cast<int64_t>(i));
      EXPECT_EQ(window.keep_first_frame, next_frame);
      EXPECT_GE(window.keep_first_frame, window.first_frame);
      EXPECT_EQ(window.samples.front(), samples[static_cast<size_t>(window.first_frame * 320)]);
      EXPECT_EQ(window.last, i + 1 == windows.size());
      next_frame = window.keep_end_frame;
    }
    EXPECT_EQ(windows.back().samples.back(), samples.back());
    EXPECT_GT(windows.back().first_frame * 320 + static_cast<int64_t>(windows.back().samples.size()),
              windows.back().keep_first_frame * 320);
  }
}

TEST(WindowCutter, CutDoesNotDependOnArrival) {
  std::mt19937_64 random(test::PropertySeed());
  WindowOptions options;
  options.window_s = 2.0;
  options.context_s = 0.3;
  const std::vector<float> samples = Ramp(150001);
  const std::vector<Window> whole = CutAll(options, samples, nullptr);
  const std::vector<Window> pieces = CutAll(options, samples, &random);
  ASSERT_EQ(whole.size(), pieces.size());
  for (size_t i = 0; i < whole.size(); ++i) EXPECT_EQ(whole[i].samples, pieces[i].samples);
}

TEST(WindowCutter, ShortAndEmptyStreams) {
  WindowOptions options;
  EXPECT_TRUE(CutAll(options, {}, nullptr).empty());
  const std::vector<Window> one = CutAll(options, Ramp(1), nullptr);
  ASSERT_EQ(one.size(), 1u);
  EXPECT_TRUE(one[0].last);
  EXPECT_EQ(CutAll(options, Ramp(480000), nullptr).size(), 1u);  // exactly one window of 30 s
  EXPECT_EQ(CutAll(options, Ramp(480001), nullptr).size(), 2u);
}

TEST(WindowOptions, OutOfRangeIsRefused) {
  WindowOptions options;
  options.window_s = 0.5;
  EXPECT_FALSE(options.Validate().ok());
  options.window_s = 10;
  options.context_s = 5;
  EXPECT_FALSE(options.Validate().ok());
}

}  // namespace
}  // namespace skald
