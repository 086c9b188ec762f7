#include "models/layers/cpu/grouped_convolution.h"

#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

struct Case {
  int width, kernel, groups;
  AffineWeights weights;
};

/// x + GELU(convolution(x)) of each window in f64.
std::vector<double> Reference(const Case& c, const std::vector<int64_t>& window_frames,
                              const std::vector<float>& x) {
  const int64_t group_width = c.width / c.groups;
  std::vector<double> output(x.begin(), x.end());
  int64_t first = 0;
  for (const int64_t frames : window_frames) {
    for (int64_t t = 0; t < frames; ++t) {
      for (int64_t out = 0; out < c.width; ++out) {
        double sum = c.weights.bias.empty() ? 0.0 : double{c.weights.bias[static_cast<size_t>(out)]};
        for (int64_t tap = 0; tap < c.kernel; ++tap) {
          const int64_t input = t - c.kernel / 2 + tap;
          if (input < 0 || input >= frames) continue;
          for (int64_t i = 0; i < group_width; ++i) {
            const int64_t column = out / group_width * group_width + i;
            sum += double{x[static_cast<size_t>((first + input) * c.width + column)]} *
                   c.weights.weight[static_cast<size_t>((out * c.kernel + tap) * group_width + i)];
          }
        }
        output[static_cast<size_t>((first + t) * c.width + out)] +=
            sum * 0.5 * std::erfc(-sum / std::sqrt(2.0));
      }
    }
    first += frames;
  }
  return output;
}

TEST(CpuGroupedConvolution, EqualsTheDefinition) {
  std::mt19937_64 random(test::PropertySeed());
  const auto pick = [&](std::initializer_list<int> of) { return *(of.begin() + random() % of.size()); };
  for (int round = 0; round < 12; ++round) {
    Case c;
    c.groups = pick({1, 2, 3, 4});
    c.width = c.groups * pick({16, 48, 64, 80});
    c.kernel = pick({1, 2, 3, 12, 13});
    const size_t weights = static_cast<size_t>(c.width) * c.kernel * (c.width / c.groups);
    std::normal_distribution<float> small(0.0f, 1.0f / std::sqrt(static_cast<float>(weights / c.width))),
        value(0.0f, 1.0f);
    for (size_t i = 0; i < weights; ++i) c.weights.weight.push_back(small(random));
    for (int i = 0; i < c.width; ++i) c.weights.bias.push_back(value(random));
    std::vector<int64_t> window_frames;
    for (int windows = pick({1, 2, 4}); windows > 0; --windows) {
      window_frames.push_back(pick({0, 1, 2, 5, 31, 32, 33, 63, 64, 65}));
    }
    const int64_t rows = std::accumulate(window_frames.begin(), window_frames.end(), int64_t{0});
    std::vector<float> x(static_cast<size_t>(rows * c.width));
    for (float& v : x) v = value(random);
    const std::vector<double> expected = Reference(c, window_frames, x);
    CpuGroupedConvolution convolution(c.weights, c.width, c.kernel, c.groups);
    TileTeam team(1 + round % 2);
    ASSERT_TRUE(convolution.Run(window_frames, x.data(), &team).ok());
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_NEAR(x[i], expected[i], test::kLayerF32Abs)
          << "round " << round << ": width " << c.width << ", kernel " << c.kernel << ", groups " << c.groups
          << ", element " << i;
    }
  }
}

}  // namespace
}  // namespace skald
