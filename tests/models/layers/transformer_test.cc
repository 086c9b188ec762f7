#include "models/layers/cpu/transformer.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

#include "layers/layer_reference.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

struct Case {
  CpuTransformer::Sizes sizes;
  std::vector<TransformerLayerWeights> layers;
};

Case RandomCase(std::mt19937_64* random) {
  Case c;
  c.sizes.attention_heads = test::PickOne({1, 2, 3}, random);
  c.sizes.width = c.sizes.attention_heads * test::PickOne({16, 48, 64, 80}, random);
  c.sizes.feed_forward_width = test::PickOne({16, 48, 256, 1040}, random);
  c.sizes.norm_first = (*random)() % 2 == 0;
  c.sizes.layer_norm_epsilon = test::PickOne({1e-5, 1e-1}, random);
  const int64_t width = c.sizes.width;
  for (int layers = 0; layers < 2; ++layers) {
    TransformerLayerWeights weights;
    weights.attention_norm = test::RandomNorm(width, random);
    weights.query_key_value = test::RandomAffine(3 * width, width, random);
    // Queries as their scale leaves them: scores of about 1.
    const double head_width = width / c.sizes.attention_heads;
    const auto scale = static_cast<float>(1 / std::sqrt(head_width));
    for (int64_t i = 0; i < width * width; ++i)
      weights.query_key_value.weight[static_cast<size_t>(i)] *= scale;
    for (int64_t i = 0; i < width; ++i) weights.query_key_value.bias[static_cast<size_t>(i)] *= scale;
    weights.attention_output = test::RandomAffine(width, width, random);
    weights.feed_forward_norm = test::RandomNorm(width, random);
    weights.feed_forward_1 = test::RandomAffine(c.sizes.feed_forward_width, width, random);
    weights.feed_forward_2 = test::RandomAffine(width, c.sizes.feed_forward_width, random);
    if ((*random)() % 4 == 0) weights.query_key_value.bias.clear();
    c.layers.push_back(std::move(weights));
  }
  return c;
}

struct Batch {
  std::vector<int64_t> window_frames;
  std::vector<float> x;  ///< [rows, width]

  int64_t rows() const { return std::accumulate(window_frames.begin(), window_frames.end(), int64_t{0}); }
};

/// Windows of lengths around tiles, blocks of keys and blocks of queries.
Batch RandomBatch(const Case& c, std::mt19937_64* random) {
  Batch batch;
  for (size_t windows = 1 + (*random)() % 4; windows > 0; --windows) {
    batch.window_frames.push_back(
        test::PickOne<int64_t>({0, 1, 2, 3, 17, 31, 47, 48, 49, 63, 64, 65, 128, 129}, random));
  }
  batch.x = test::RandomValues(batch.rows() * c.sizes.width, 1.0f, random);
  return batch;
}

/// softmax(q K^T) V of every frame of one window; rows of [query | key | value].
std::vector<double> Attend(const std::vector<double>& query_key_value, int64_t frames, int64_t width,
                           int heads) {
  std::vector<double> output(static_cast<size_t>(frames * width));
  const auto at = [&](int64_t frame, int64_t part, int64_t column) {
    return query_key_value[static_cast<size_t>((frame * 3 + part) * width + column)];
  };
  const int64_t head_width = width / heads;
  for (int64_t first = 0; first < width; first += head_width) {
    for (int64_t query = 0; query < frames; ++query) {
      double sum = 0;
      for (int64_t key = 0; key < frames; ++key) {
        double score = 0;
        for (int64_t column = first; column < first + head_width; ++column)
          score += at(query, 0, column) * at(key, 1, column);
        sum += std::exp(score);
        for (int64_t column = first; column < first + head_width; ++column)
          output[static_cast<size_t>(query * width + column)] += std::exp(score) * at(key, 2, column);
      }
      for (int64_t column = first; column < first + head_width; ++column)
        output[static_cast<size_t>(query * width + column)] /= sum;
    }
  }
  return output;
}

std::vector<double> Sum(std::vector<double> a, const std::vector<double>& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

/// One layer on one window in f64.
std::vector<double> Reference(const CpuTransformer::Sizes& sizes, const TransformerLayerWeights& layer,
                              const std::vector<double>& x) {
  const int64_t width = sizes.width, frames = static_cast<int64_t>(x.size()) / width;
  const double epsilon = sizes.layer_norm_epsilon;
  const auto attention = [&](const std::vector<double>& input) {
    const std::vector<double> query_key_value = test::Affine(layer.query_key_value, input, width);
    return test::Affine(layer.attention_output, Attend(query_key_value, frames, width, sizes.attention_heads),
                        width);
  };
  const auto feed_forward = [&](const std::vector<double>& input) {
    std::vector<double> hidden = test::Affine(layer.feed_forward_1, input, width);
    for (double& value : hidden) value = test::Gelu(value);
    return test::Affine(layer.feed_forward_2, hidden, sizes.feed_forward_width);
  };
  if (sizes.norm_first) {
    const std::vector<double> y = Sum(x, attention(test::LayerNorm(layer.attention_norm, x, epsilon)));
    return Sum(y, feed_forward(test::LayerNorm(layer.feed_forward_norm, y, epsilon)));
  }
  const std::vector<double> y = test::LayerNorm(layer.attention_norm, Sum(x, attention(x)), epsilon);
  return test::LayerNorm(layer.feed_forward_norm, Sum(y, feed_forward(y)), epsilon);
}

/// Layer `number` on all windows in f64.
std::vector<double> Reference(const Case& c, size_t number, const Batch& batch) {
  std::vector<double> output;
  auto begin = batch.x.begin();
  for (const int64_t frames : batch.window_frames) {
    const auto end = begin + frames * c.sizes.width;
    const std::vector<double> rows = Reference(c.sizes, c.layers[number], std::vector<double>(begin, end));
    output.insert(output.end(), rows.begin(), rows.end());
    begin = end;
  }
  return output;
}

std::unique_ptr<CpuTransformer> MakeTransformer(const Case& c, TileTeam* team,
                                                CpuPrecision precision = CpuPrecision::kF32) {
  auto transformer = std::make_unique<CpuTransformer>(c.sizes, precision, team);
  for (const TransformerLayerWeights& layer : c.layers) EXPECT_TRUE(transformer->AddLayer(layer).ok());
  EXPECT_EQ(transformer->layers(), static_cast<int>(c.layers.size()));
  return transformer;
}

std::vector<float> RunLayer(const Case& c, int layer, const Batch& batch, CpuTransformer* transformer) {
  std::vector<float> x = test::PadRows(batch.x, batch.rows(), c.sizes.width);
  NetworkTiming timing;
  transformer->Begin(batch.window_frames);
  EXPECT_TRUE(transformer->RunLayer(layer, x.data(), &timing).ok());
  if (batch.rows() > 0) {
    EXPECT_GT(timing.linear_s, 0);
    EXPECT_GT(timing.attention_s, 0);
  }
  x.resize(batch.x.size());
  return x;
}

TEST(CpuTransformer, EqualsTheDefinition) {
  std::mt19937_64 random(test::PropertySeed());
  for (int round = 0; round < 10; ++round) {
    const Case c = RandomCase(&random);
    TileTeam team(1 + round % 3);
    const std::unique_ptr<CpuTransformer> transformer = MakeTransformer(c, &team);
    // The second batch finds what the first one left.
    for (int layer = 0; layer < 2; ++layer) {
      const Batch batch = RandomBatch(c, &random);
      const std::vector<float> output = RunLayer(c, layer, batch, transformer.get());
      const std::vector<double> expected = Reference(c, static_cast<size_t>(layer), batch);
      ASSERT_EQ(output.size(), expected.size());
      for (size_t i = 0; i < output.size(); ++i) {
        ASSERT_NEAR(output[i], expected[i], test::kLayerF32Abs)
            << "round " << round << ", layer " << layer << ": width " << c.sizes.width << ", heads "
            << c.sizes.attention_heads << ", feed-forward " << c.sizes.feed_forward_width << ", norm first "
            << c.sizes.norm_first << ", element " << i;
      }
    }
  }
}

TEST(CpuTransformer, ReducedPrecisionStaysCloseToTheDefinition) {
  std::mt19937_64 random(test::PropertySeed());
  const CpuFeatures features = DetectCpuFeatures();
  TileTeam team(2);
  for (const bool norm_first : {true, false}) {
    Case c = RandomCase(&random);
    c.sizes.norm_first = norm_first;
    Batch batch{{65}, test::RandomValues(int64_t{65} * c.sizes.width, 1.0f, &random)};
    const std::vector<double> expected = Reference(c, 0, batch);
    const auto check = [&](CpuPrecision precision, double tolerance) {
      const std::unique_ptr<CpuTransformer> transformer = MakeTransformer(c, &team, precision);
      const std::vector<float> output = RunLayer(c, 0, batch, transformer.get());
      double sum = 0;
      for (size_t i = 0; i < output.size(); ++i) sum += std::abs(output[i] - expected[i]);
      const double mean = sum / static_cast<double>(output.size());
      EXPECT_LT(mean, tolerance) << "width " << c.sizes.width << ", norm first " << norm_first;
      EXPECT_GT(mean, test::kLayerF32Abs) << "computed in another precision";
    };
    if (features.avx512_bf16) check(CpuPrecision::kBf16, test::kTransformerBf16Mean);
    if (features.avx512_vnni) check(CpuPrecision::kInt8, test::kTransformerInt8Mean);
  }
}

TEST(CpuTransformer, AWindowsBitsDoNotDependOnItsBatchOrThreads) {
  std::mt19937_64 random(test::PropertySeed());
  const CpuFeatures features = DetectCpuFeatures();
  std::vector<CpuPrecision> precisions = {CpuPrecision::kF32};
  if (features.avx512_bf16) precisions.push_back(CpuPrecision::kBf16);
  if (features.avx512_vnni) precisions.push_back(CpuPrecision::kInt8);
  for (int round = 0; round < 9; ++round) {
    const Case c = RandomCase(&random);
    const CpuPrecision precision = precisions[static_cast<size_t>(round) % precisions.size()];
    const Batch batch = RandomBatch(c, &random);
    TileTeam one(1), two(2), three(3);
    const std::unique_ptr<CpuTransformer> transformer = MakeTransformer(c, &one, precision);
    const std::vector<float> together = RunLayer(c, 0, batch, transformer.get());
    EXPECT_EQ(RunLayer(c, 0, batch, MakeTransformer(c, &two, precision).get()), together);
    EXPECT_EQ(RunLayer(c, 0, batch, MakeTransformer(c, &three, precision).get()), together);
    auto begin = together.begin();
    auto x = batch.x.begin();
    for (const int64_t frames : batch.window_frames) {
      const int64_t size = frames * c.sizes.width;
      const Batch alone{{frames}, {x, x + size}};
      const std::vector<float> output = RunLayer(c, 0, alone, transformer.get());
      EXPECT_TRUE(std::equal(output.begin(), output.end(), begin))
          << "round " << round << ", window of " << frames;
      begin += size;
      x += size;
    }
  }
}

TEST(CpuTransformerDeathTest, HeadsThatDoNotFitAreErrorsOfTheCaller) {
  const auto make = [](int width, int heads) {
    TileTeam team(1);
    const CpuTransformer transformer({.width = width, .attention_heads = heads, .feed_forward_width = 16},
                                     CpuPrecision::kF32, &team);
  };
  EXPECT_DEATH(make(48, 2), "multiple of 16");
  EXPECT_DEATH(make(50, 3), "attention_heads divide width");
}

}  // namespace
}  // namespace skald
