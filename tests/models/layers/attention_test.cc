#include "models/layers/cpu/attention.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

struct Batch {
  int heads, head_width;
  std::vector<int64_t> window_frames;
  std::vector<float> query_key_value;  ///< [rows, 3 * heads * head_width]

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

std::vector<float> Attend(const Batch& batch, int threads) {
  WorkerTeam team(threads);
  CpuAttention attention(batch.heads, batch.head_width, threads);
  attention.Begin(batch.window_frames);
  attention.Pack(0, batch.rows(), batch.query_key_value.data());
  std::vector<float> output(static_cast<size_t>(batch.rows() * batch.width()));
  attention.Run(&team, output.data());
  return output;
}

/// softmax(q K^T) V of every query in f64.
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
          for (int64_t c = column; c < column + batch.head_width; ++c) score += at(q, 0, c) * at(k, 1, c);
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
  for (int round = 0; round < 12; ++round) {
    const Batch batch = RandomBatch(&random);
    const std::vector<float> output = Attend(batch, 1 + round % 3);
    const std::vector<double> expected = Reference(batch);
    for (size_t i = 0; i < output.size(); ++i) {
      ASSERT_NEAR(output[i], expected[i], test::kLayerF32Abs) << "round " << round << ", element " << i;
    }
  }
}

TEST(CpuAttention, AWindowsBitsDoNotDependOnItsBatch) {
  std::mt19937_64 random(test::PropertySeed());
  for (int round = 0; round < 6; ++round) {
    const Batch batch = RandomBatch(&random);
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

}  // namespace
}  // namespace skald
