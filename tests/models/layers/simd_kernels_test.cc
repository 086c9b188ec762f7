#include "models/layers/cpu/simd_kernels.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <vector>

#include "support/test_environment.h"

namespace skald {
namespace {

/// Every variant that this processor runs, against plain double arithmetic.
class SimdKernelsTest : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    const SimdKernelVariants all = AllCpuKernels();
    if (GetParam() >= all.count) GTEST_SKIP() << "the processor has " << all.count << " variants";
    simd_ = all.variants[GetParam()];
    random_.seed(test::PropertySeed());
  }
  std::vector<float> Random(int64_t count, float scale = 1.0f) {
    std::normal_distribution<float> value(0.0f, scale);
    std::vector<float> values(static_cast<size_t>(count));
    for (float& x : values) x = value(random_);
    return values;
  }
  const SimdKernels* simd_ = nullptr;
  std::mt19937_64 random_;
};

TEST_P(SimdKernelsTest, LayerNorm) {
  const std::vector<float> x = Random(3 * 48, 2), gain = Random(48), bias = Random(48);
  std::vector<float> y(x.size());
  simd_->layer_norm(x.data(), 3, 48, gain.data(), bias.data(), 1e-5f, y.data());
  for (int row = 0; row < 3; ++row) {
    double mean = 0, variance = 0;
    for (int i = 0; i < 48; ++i) mean += x[row * 48 + i] / 48.0;
    for (int i = 0; i < 48; ++i) variance += std::pow(x[row * 48 + i] - mean, 2) / 48.0;
    for (int i = 0; i < 48; ++i) {
      EXPECT_NEAR(y[row * 48 + i], (x[row * 48 + i] - mean) / std::sqrt(variance + 1e-5) * gain[i] + bias[i],
                  1e-5);
    }
  }
}

TEST_P(SimdKernelsTest, GeluIsTheErfForm) {
  std::vector<float> x;
  for (float v = -12.0f; v <= 12.0f; v += 0.01f) x.push_back(v);
  x.push_back(0.0f);
  x.push_back(-1e30f);
  x.push_back(1e30f);
  std::vector<float> y = x;
  simd_->gelu(y.data(), static_cast<int64_t>(y.size()));
  for (size_t i = 0; i < x.size(); ++i) {
    const double exact = 0.5 * x[i] * std::erfc(-double{x[i]} / std::sqrt(2.0));
    EXPECT_NEAR(y[i], exact, 1e-6 + 1e-6 * std::abs(exact)) << x[i];
  }
}

TEST_P(SimdKernelsTest, NegativeLogSoftmaxAndExponentials) {
  for (const int64_t units : {2, 29, 64, 131}) {
    const std::vector<float> logits = Random(2 * units, 10);
    std::vector<float> nll(static_cast<size_t>(2 * (units + 3)), -1.0f);
    simd_->negative_log_softmax(logits.data(), 2, units, nll.data(), units + 3);
    std::vector<float> scores = logits;
    std::vector<float> inverse(2);
    simd_->exponentials(scores.data(), 2, units - 1, units, units, inverse.data());
    for (int64_t row = 0; row < 2; ++row) {
      double sum = 0, part = 0;
      for (int64_t i = 0; i < units; ++i) {
        sum += std::exp(double{logits[row * units + i]});
        if (i < units - 1) part += std::exp(double{logits[row * units + i]});
      }
      for (int64_t i = 0; i < units; ++i) {
        const double logit = logits[row * units + i];
        EXPECT_NEAR(nll[row * (units + 3) + i], std::log(sum) - logit, 2e-5);
        const double probability = i < units - 1 ? std::exp(logit) / part : 0.0;
        EXPECT_NEAR(scores[row * units + i] * inverse[row], probability, 1e-6);
      }
      EXPECT_EQ(nll[row * (units + 3) + units], -1.0f) << "wrote past the row";
    }
  }
}

TEST_P(SimdKernelsTest, ProductAndTranspose) {
  for (const int64_t depth : {1, 64, 77}) {
    const std::vector<float> left = Random(6 * (depth + 5)), right = Random(depth * 64);
    std::vector<float> product(6 * 70, 0.0f);
    simd_->product_6x64(left.data(), depth + 5, right.data(), depth, product.data(), 70);
    for (int row = 0; row < 6; ++row) {
      for (int column = 0; column < 64; ++column) {
        double sum = 0;
        for (int64_t k = 0; k < depth; ++k)
          sum += double{left[row * (depth + 5) + k]} * right[k * 64 + column];
        EXPECT_NEAR(product[row * 70 + column], sum, 1e-4);
      }
    }
  }
  for (const int64_t rows : {1, 7, 16, 37, 64}) {
    const std::vector<float> x = Random(rows * 80);
    std::vector<float> y(64 * 64, -1.0f);
    simd_->transpose(x.data(), rows, 80, 64, y.data(), 64);
    for (int64_t row = 0; row < 64; ++row) {
      for (int64_t column = 0; column < 64; ++column) {
        EXPECT_EQ(y[column * 64 + row], row < rows ? x[row * 80 + column] : -1.0f);
      }
    }
  }
}

TEST_P(SimdKernelsTest, ReducedPrecision) {
  std::vector<float> x = Random(2 * 64, 3);
  x[5] = 1.00390625f;  // half way between two bf16 numbers: to even
  x[6] = NAN;
  std::vector<uint16_t> halves(x.size());
  simd_->to_bf16(x.data(), static_cast<int64_t>(x.size()), halves.data());
  EXPECT_EQ(halves[5], 0x3f80);
  EXPECT_GT(halves[6] & 0x7fff, 0x7f80);
  x[6] = 0;
  std::vector<uint8_t> bytes(x.size());
  std::vector<float> scales(2);
  simd_->quantize_rows(x.data(), 2, 64, bytes.data(), scales.data());
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR((bytes[i] - 128) * scales[i / 64], x[i], scales[i / 64] * 0.5001f);
  }
  // Products of whole numbers come back exactly, with bias, GELU or accumulation.
  const std::vector<int32_t> sums = {
      128 * 3 + 10, 128 * -2 - 7, 4, 0, 1, 2, 3, 5, 128 * 3, 9, 1, 2, 3, 4, 5, 6, 7};
  std::vector<int32_t> corrections(17, 0);
  corrections[0] = 128 * 3;
  corrections[1] = 128 * -2;
  const std::vector<float> columns(17, 0.5f), bias(17, 1.0f);
  const float row_scale = 2.0f;
  for (const bool accumulate : {false, true}) {
    std::vector<float> y(17, 100.0f);
    simd_->dequantize(sums.data(), 1, 16, &row_scale, columns.data(), corrections.data(), bias.data(), false,
                      accumulate, y.data());
    EXPECT_EQ(y[0], (accumulate ? 100.0f : 0.0f) + 11.0f);
    EXPECT_EQ(y[1], (accumulate ? 100.0f : 0.0f) - 6.0f);
    EXPECT_EQ(y[16], 100.0f);
  }
}

TEST_P(SimdKernelsTest, DequantizeHandlesWidthsThatAreNoMultipleOfTheVector) {
  const std::vector<int32_t> sums(29, 7), corrections(29, 2);
  const std::vector<float> columns(29, 1.0f), bias(29, 0.5f);
  const float row_scale = 1.0f;
  std::vector<float> y(29, 0.0f);
  simd_->dequantize(sums.data(), 1, 29, &row_scale, columns.data(), corrections.data(), bias.data(), false,
                    false, y.data());
  for (const float value : y) EXPECT_EQ(value, 5.5f);
}

TEST_P(SimdKernelsTest, ElementsOfAnyCount) {
  for (const int64_t count : {0, 1, 7, 8, 15, 16, 17, 100}) {
    const std::vector<float> x = Random(count + 1, 4);
    std::vector<float> swish = x, relu = x, sum = Random(count + 1);
    const std::vector<float> before = sum;
    simd_->swish(swish.data(), count);
    simd_->relu(relu.data(), count);
    simd_->add(x.data(), count, sum.data());
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      EXPECT_NEAR(swish[i], x[i] / (1 + std::exp(-double{x[i]})), 2e-6);
      EXPECT_EQ(relu[i], std::max(x[i], 0.0f));
      EXPECT_EQ(sum[i], before[i] + x[i]);
    }
    EXPECT_EQ(swish.back(), x.back()) << "wrote past " << count;
    EXPECT_EQ(relu.back(), x.back()) << "wrote past " << count;
    EXPECT_EQ(sum.back(), before.back()) << "wrote past " << count;
  }
  // Far outside exp's range.
  std::vector<float> far = {-1e30f, -200.0f, 200.0f, 1e30f};
  const std::vector<float> expected = {0.0f, 0.0f, 200.0f, 1e30f};
  simd_->swish(far.data(), 4);
  for (size_t i = 0; i < far.size(); ++i) EXPECT_NEAR(far[i], expected[i], 1e-6);
}

TEST_P(SimdKernelsTest, GatedLinearUnit) {
  for (const int64_t width : {16, 48, 64}) {
    const std::vector<float> x = Random(3 * 2 * width, 2);
    std::vector<float> y(static_cast<size_t>(3 * width));
    simd_->gated(x.data(), 3, width, y.data());
    for (int64_t row = 0; row < 3; ++row) {
      std::vector<float> in_place(x.begin() + row * 2 * width, x.begin() + (row + 1) * 2 * width);
      simd_->gated(in_place.data(), 1, width, in_place.data());
      for (int64_t i = 0; i < width; ++i) {
        const double a = x[row * 2 * width + i], b = x[row * 2 * width + width + i];
        EXPECT_NEAR(y[row * width + i], a / (1 + std::exp(-b)), 2e-6);
        EXPECT_EQ(in_place[i], y[row * width + i]);
      }
    }
  }
}

TEST_P(SimdKernelsTest, ConvolutionsOfOneChannelAndOfEach) {
  for (const int64_t channels : {16, 48, 80}) {
    for (const int64_t count : {1, 9, 10}) {
      constexpr int64_t kRows = 3, kStride = 5;
      const std::vector<float> weights = Random(count * channels), bias = Random(channels);
      const std::vector<float> x = Random((kRows - 1) * kStride + count);
      std::vector<float> y(static_cast<size_t>(kRows * channels));
      simd_->expand_taps(x.data(), kRows, kStride, count, weights.data(), bias.data(), channels, y.data());
      // Taps of a depthwise convolution may lie anywhere, also twice in one place.
      const std::vector<float> rows = Random(4 * channels);
      std::vector<const float*> taps;
      for (int64_t k = 0; k < count; ++k) taps.push_back(rows.data() + (k * 7 % 4) * channels);
      std::vector<float> z(static_cast<size_t>(channels));
      simd_->depthwise(taps.data(), count, weights.data(), bias.data(), channels, z.data());
      for (int64_t channel = 0; channel < channels; ++channel) {
        double depthwise = bias[channel];
        for (int64_t k = 0; k < count; ++k)
          depthwise += double{taps[k][channel]} * weights[k * channels + channel];
        EXPECT_NEAR(z[channel], depthwise, 1e-5);
        for (int64_t row = 0; row < kRows; ++row) {
          double sum = bias[channel];
          for (int64_t k = 0; k < count; ++k)
            sum += double{x[row * kStride + k]} * weights[k * channels + channel];
          EXPECT_NEAR(y[row * channels + channel], sum, 1e-5);
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, SimdKernelsTest, ::testing::Values(0, 1, 2));

}  // namespace
}  // namespace skald
