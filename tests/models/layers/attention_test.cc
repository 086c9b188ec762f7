#include "models/layers/cpu/attention.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>
#include <random>

#include "layers/layer_reference.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

struct Batch {
  int heads, head_width;
  std::vector<int64_t> window_frames;
  std::vector<float> query_key_value;  ///< [rows, 3 * heads * head_width]
  bool relative = false;
  std::vector<float> content_bias, position_bias;  ///< [heads * head_width]
  /// r of each position [2 * max_position + 1, heads * head_width], from max_position downwards.
  std::vector<float> positions;
  int64_t max_position = 0;

  int64_t rows() const { return std::accumulate(window_frames.begin(), window_frames.end(), int64_t{0}); }
  int64_t width() const { return int64_t{heads} * head_width; }
};

/// Windows of lengths around the blocks of 64 keys and of queries.
Batch RandomBatch(std::mt19937_64* random) {
  const auto pick = [&](std::initializer_list<int64_t> of) {
    return *(of.begin() + (*random)() % of.size());
  };
  Batch batch;
  batch.heads = static_cast<int>(1 + (*random)() % 3);
  batch.head_width = static_cast<int>(pick({16, 32, 48, 64, 80, 128}));
  for (size_t windows = 1 + (*random)() % 4; windows > 0; --windows) {
    batch.window_frames.push_back(pick({0, 1, 2, 3, 15, 16, 17, 31, 63, 64, 65, 127, 128, 129, 200}));
  }
  std::normal_distribution<float> value(0.0f, 0.6f);
  batch.query_key_value.resize(static_cast<size_t>(batch.rows() * 3 * batch.width()));
  for (float& x : batch.query_key_value) x = value(*random);
  return batch;
}

/// The same with relative positions: of the longest window, or of a longer one before.
Batch RandomRelativeBatch(std::mt19937_64* random) {
  Batch batch = RandomBatch(random);
  batch.relative = true;
  const int64_t longest = *std::max_element(batch.window_frames.begin(), batch.window_frames.end());
  batch.max_position = std::max<int64_t>(longest - 1, 0) + static_cast<int64_t>((*random)() % 2 * 70);
  batch.content_bias = test::RandomValues(batch.width(), 0.4f, random);
  batch.position_bias = test::RandomValues(batch.width(), 0.4f, random);
  batch.positions = test::RandomValues((2 * batch.max_position + 1) * batch.width(), 0.4f, random);
  return batch;
}

/// The positions in the layer's blocks; what no position fills is no number and must not matter.
RelativePositions PackPositions(const Batch& batch) {
  const int64_t count = 2 * batch.max_position + 1, blocks = (count + 63) / 64;
  RelativePositions packed{.content_bias = batch.content_bias,
                           .position_bias = batch.position_bias,
                           .keys = {},
                           .blocks = blocks,
                           .max_position = batch.max_position};
  packed.keys.assign(static_cast<size_t>(blocks * 64 * batch.width()),
                     std::numeric_limits<float>::quiet_NaN());
  for (int64_t row = 0; row < count; ++row) {
    for (int64_t column = 0; column < batch.width(); ++column) {
      const int64_t head = column / batch.head_width, i = column % batch.head_width;
      packed.keys[static_cast<size_t>(((head * blocks + row / 64) * batch.head_width + i) * 64 + row % 64)] =
          batch.positions[static_cast<size_t>(row * batch.width() + column)];
    }
  }
  return packed;
}

std::vector<float> Attend(const Batch& batch, int threads) {
  WorkerTeam team(threads);
  CpuAttention attention(batch.heads, batch.head_width, threads);
  attention.Begin(batch.window_frames, batch.relative);
  const RelativePositions packed = batch.relative ? PackPositions(batch) : RelativePositions{};
  const RelativePositions* positions = batch.relative ? &packed : nullptr;
  attention.Pack(0, batch.rows(), batch.query_key_value.data(), positions);
  std::vector<float> output(static_cast<size_t>(batch.rows() * batch.width()));
  attention.Run(&team, output.data(), positions);
  return output;
}

/// softmax(scores) V of every query in f64, where scores are q K^T, or (q + content_bias) k + (q +
/// position_bias) r(place of q - place of k).
std::vector<double> Reference(const Batch& batch) {
  const int64_t width = batch.width();
  const auto at = [&](int64_t row, int64_t part, int64_t column) {
    return double{batch.query_key_value[static_cast<size_t>((row * 3 + part) * width + column)]};
  };
  std::vector<double> output(static_cast<size_t>(batch.rows() * width));
  int64_t first = 0;
  for (const int64_t frames : batch.window_frames) {
    for (int head = 0; head < batch.heads; ++head) {
      const int64_t column = int64_t{head} * batch.head_width;
      for (int64_t q = first; q < first + frames; ++q) {
        std::vector<double> weight;
        double sum = 0;
        for (int64_t k = first; k < first + frames; ++k) {
          double score = 0;
          for (int64_t c = column; c < column + batch.head_width; ++c) {
            const double query = at(q, 0, c), key = at(k, 1, c);
            score += query * key;
            if (!batch.relative) continue;
            const auto position = static_cast<size_t>((batch.max_position - (q - k)) * width + c);
            score += batch.content_bias[static_cast<size_t>(c)] * key;
            score += (query + batch.position_bias[static_cast<size_t>(c)]) * batch.positions[position];
          }
          weight.push_back(std::exp(score));
          sum += weight.back();
        }
        for (int64_t c = column; c < column + batch.head_width; ++c) {
          double value = 0;
          for (int64_t k = 0; k < frames; ++k)
            value += weight[static_cast<size_t>(k)] / sum * at(first + k, 2, c);
          output[static_cast<size_t>(q * width + c)] = value;
        }
      }
    }
    first += frames;
  }
  return output;
}

TEST(CpuAttention, EqualsTheDefinition) {
  std::mt19937_64 random(test::PropertySeed());
  for (int round = 0; round < 24; ++round) {
    const Batch batch = round % 2 == 0 ? RandomBatch(&random) : RandomRelativeBatch(&random);
    const std::vector<float> output = Attend(batch, 1 + round % 3);
    const std::vector<double> expected = Reference(batch);
    for (size_t i = 0; i < output.size(); ++i) {
      ASSERT_NEAR(output[i], expected[i], test::kLayerF32Abs) << "round " << round << ", element " << i;
    }
  }
}

TEST(CpuAttention, AWindowsBitsDoNotDependOnItsBatch) {
  std::mt19937_64 random(test::PropertySeed());
  for (int round = 0; round < 12; ++round) {
    const Batch batch = round % 2 == 0 ? RandomBatch(&random) : RandomRelativeBatch(&random);
    const std::vector<float> together = Attend(batch, 2);
    int64_t first = 0;
    for (const int64_t frames : batch.window_frames) {
      Batch alone = batch;
      alone.window_frames = {frames};
      const auto begin = batch.query_key_value.begin() + first * 3 * batch.width();
      alone.query_key_value.assign(begin, begin + frames * 3 * batch.width());
      const std::vector<float> output = Attend(alone, 1);
      const auto expected = together.begin() + first * batch.width();
      EXPECT_TRUE(std::equal(output.begin(), output.end(), expected)) << "window of " << frames;
      first += frames;
    }
  }
}

TEST(CpuAttentionDeathTest, HeadsAreWholeVectors) {
  EXPECT_DEATH(CpuAttention(2, 24, 1), "head_width is a multiple of 16");
}

}  // namespace
}  // namespace skald
