#include "models/layers/cpu/ctc_heads.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <optional>
#include <random>

#include "layers/layer_reference.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

constexpr double kEpsilon = 0.05;  ///< large enough to matter
constexpr float kUntouched = -7.0f;

struct Case {
  int width;
  std::vector<AffineWeights> heads;
  std::optional<NormWeights> norm;
  int64_t rows;
  std::vector<float> x;  ///< [rows, width]
};

int64_t Units(const AffineWeights& head, int width) {
  return static_cast<int64_t>(head.weight.size()) / width;
}

Case RandomCase(std::mt19937_64* random) {
  Case c;
  const bool with_norm = (*random)() % 2 == 0;
  c.width =
      with_norm ? test::PickOne({16, 48, 80, 256}, random) : test::PickOne({1, 16, 17, 50, 80, 256}, random);
  if (with_norm) c.norm = test::RandomNorm(c.width, random);
  for (int heads = test::PickOne({1, 2, 3}, random); heads > 0; --heads) {
    c.heads.push_back(
        test::RandomAffine(test::PickOne({2, 3, 15, 16, 29, 64, 131}, random), c.width, random));
    // Beyond exp's range in f32.
    if ((*random)() % 4 == 0) c.heads.back().bias[0] = 96.0f;
    if ((*random)() % 4 == 0) c.heads.back().bias.clear();
  }
  c.rows = test::PickOne<int64_t>({0, 1, 2, 63, 64, 65, 130, 200}, random);
  c.x = test::RandomValues(c.rows * c.width, 1.0f, random);
  return c;
}

/// Scores of each head [rows, units], and what lies around them stays as it is.
std::vector<std::vector<float>> Score(const Case& c, int threads) {
  TileTeam team(threads);
  CpuCtcHeads heads;
  std::vector<std::vector<float>> buffers;
  std::vector<MatrixView<float>> views;
  for (const AffineWeights& head : c.heads) {
    EXPECT_TRUE(heads.Add(head, c.width, &team).ok());
    buffers.emplace_back(static_cast<size_t>((c.rows + 1) * (Units(head, c.width) + 3)), kUntouched);
  }
  for (size_t head = 0; head < c.heads.size(); ++head) {
    const int64_t units = Units(c.heads[head], c.width);
    views.emplace_back(buffers[head].data(), c.rows, units, units + 3);
  }
  const std::vector<float> x = test::PadRows(c.x, c.rows, c.width);
  EXPECT_TRUE(heads.Run(x.data(), c.rows, c.norm ? &*c.norm : nullptr, kEpsilon, views, &team).ok());
  std::vector<std::vector<float>> scores;
  for (size_t head = 0; head < c.heads.size(); ++head) {
    scores.emplace_back();
    for (int64_t row = 0; row <= c.rows; ++row) {
      const float* begin = buffers[head].data() + row * views[head].stride;
      const int64_t units = row < c.rows ? views[head].columns : 0;
      scores.back().insert(scores.back().end(), begin, begin + units);
      EXPECT_TRUE(
          std::all_of(begin + units, begin + views[head].stride, [](float v) { return v == kUntouched; }))
          << "wrote past row " << row << " of head " << head;
    }
  }
  return scores;
}

/// log of the sum of exp(logit), less the logit, in f64.
std::vector<double> Reference(const Case& c, const AffineWeights& head) {
  std::vector<double> x(c.x.begin(), c.x.end());
  if (c.norm) x = test::LayerNorm(*c.norm, x, kEpsilon);
  std::vector<double> scores = test::Affine(head, x, c.width);
  const size_t units = static_cast<size_t>(Units(head, c.width));
  for (size_t first = 0; first < scores.size(); first += units) {
    double sum = 0;
    for (size_t i = first; i < first + units; ++i) sum += std::exp(scores[i]);
    for (size_t i = first; i < first + units; ++i) scores[i] = std::log(sum) - scores[i];
  }
  return scores;
}

TEST(CpuCtcHeads, EqualTheDefinition) {
  std::mt19937_64 random(test::PropertySeed());
  for (int round = 0; round < 40; ++round) {
    const Case c = RandomCase(&random);
    const std::vector<std::vector<float>> scores = Score(c, 1 + round % 3);
    for (size_t head = 0; head < c.heads.size(); ++head) {
      const std::vector<double> expected = Reference(c, c.heads[head]);
      ASSERT_EQ(scores[head].size(), expected.size());
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_NEAR(scores[head][i], expected[i], test::kLayerF32Abs)
            << "round " << round << ": width " << c.width << ", rows " << c.rows << ", head " << head
            << ", element " << i;
      }
    }
  }
}

TEST(CpuCtcHeads, BitsDoNotDependOnThreadsOrOtherRows) {
  std::mt19937_64 random(test::PropertySeed());
  for (int round = 0; round < 20; ++round) {
    const Case c = RandomCase(&random);
    const std::vector<std::vector<float>> scores = Score(c, 1);
    EXPECT_EQ(Score(c, 2), scores);
    EXPECT_EQ(Score(c, 3), scores);
    Case rest = c;
    const int64_t dropped = c.rows / 3;
    rest.rows -= dropped;
    rest.x.erase(rest.x.begin(), rest.x.begin() + dropped * c.width);
    const std::vector<std::vector<float>> scores_of_rest = Score(rest, 2);
    for (size_t head = 0; head < c.heads.size(); ++head) {
      const int64_t units = Units(c.heads[head], c.width);
      EXPECT_TRUE(std::equal(scores_of_rest[head].begin(), scores_of_rest[head].end(),
                             scores[head].begin() + dropped * units, scores[head].end()))
          << "rows from " << dropped << " of " << c.rows << " of width " << c.width << ", head " << head;
    }
  }
}

}  // namespace
}  // namespace skald
