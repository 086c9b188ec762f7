#include <cmath>
#include <gtest/gtest.h>
#include <optional>
#include <random>
#include <vector>

#include "base/cuda/device_buffer.h"
#include "kernels/nn/ragged_attention.h"
#include "kernels/nn/row_maps.h"
#include "kernels/nn/row_norms.h"
#include "support/test_environment.h"

namespace skald {
namespace {

/// Kernels of kernels/nn against plain double arithmetic.
class CudaKernelsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (CudaDeviceCount() == 0) GTEST_SKIP() << "no CUDA device";
    stream_.emplace(std::move(CudaStream::Create(0)).value());
    random_.seed(test::PropertySeed());
  }
  std::vector<float> Random(int64_t count, float scale = 1.0f) {
    std::normal_distribution<float> value(0.0f, scale);
    std::vector<float> values(static_cast<size_t>(count));
    for (float& x : values) x = value(random_);
    return values;
  }
  template <typename T>
  DeviceBuffer<T> Upload(const std::vector<T>& values) {
    DeviceBuffer<T> buffer = std::move(DeviceBuffer<T>::Create(values.size(), "test")).value();
    EXPECT_TRUE(buffer.CopyFrom(stream_->context(), values).ok());
    return buffer;
  }
  std::vector<float> Download(const DeviceBuffer<float>& buffer) {
    std::vector<float> values(buffer.size());
    EXPECT_TRUE(buffer.CopyTo(stream_->context(), values).ok());
    EXPECT_TRUE(stream_->Synchronize().ok());
    return values;
  }
  std::optional<CudaStream> stream_;
  std::mt19937_64 random_;
};

TEST_F(CudaKernelsTest, LayerNorm) {
  for (const int64_t width : {2, 64, 130}) {
    const int64_t rows = 5;
    const std::vector<float> x = Random(rows * width, 2), gain = Random(width), bias = Random(width);
    const DeviceBuffer<float> dx = Upload(x), dgain = Upload(gain), dbias = Upload(bias), dy = Upload(x);
    ASSERT_TRUE(LaunchLayerNorm(stream_->context(), dx.data(), rows, width, dgain.data(), dbias.data(), 1e-5f,
                                ElementType::kF32, dy.data())
                    .ok());
    const std::vector<float> y = Download(dy);
    for (int64_t row = 0; row < rows; ++row) {
      double mean = 0, variance = 0;
      for (int64_t i = 0; i < width; ++i) mean += x[row * width + i] / static_cast<double>(width);
      for (int64_t i = 0; i < width; ++i) {
        variance += std::pow(x[row * width + i] - mean, 2) / static_cast<double>(width);
      }
      for (int64_t i = 0; i < width; ++i) {
        EXPECT_NEAR(y[row * width + i],
                    (x[row * width + i] - mean) / std::sqrt(variance + 1e-5) * gain[i] + bias[i], 1e-4);
      }
    }
  }
}

TEST_F(CudaKernelsTest, NegativeLogSoftmaxKeepsToItsColumns) {
  for (const int64_t units : {1, 29, 256}) {
    const int64_t rows = 9, stride = units + 3;
    const std::vector<float> logits = Random(rows * units, 20);
    const DeviceBuffer<float> dlogits = Upload(logits);
    const DeviceBuffer<float> dnll = Upload(std::vector<float>(static_cast<size_t>(rows * stride), -1.0f));
    ASSERT_TRUE(
        LaunchNegativeLogSoftmax(stream_->context(), dlogits.data(), {dnll.data(), rows, units, stride})
            .ok());
    const std::vector<float> nll = Download(dnll);
    for (int64_t row = 0; row < rows; ++row) {
      double largest = -INFINITY, sum = 0;
      for (int64_t i = 0; i < units; ++i) largest = std::max(largest, double{logits[row * units + i]});
      for (int64_t i = 0; i < units; ++i) sum += std::exp(logits[row * units + i] - largest);
      for (int64_t i = 0; i < units; ++i) {
        EXPECT_NEAR(nll[row * stride + i], largest + std::log(sum) - logits[row * units + i], 1e-4);
      }
      EXPECT_EQ(nll[row * stride + units], -1.0f);
    }
  }
}

TEST_F(CudaKernelsTest, RaggedAttention) {
  const int heads = 2;
  const std::vector<int> windows = {1, 33, 31, 64, 5, 100};
  std::vector<RaggedAttentionBlock> blocks;
  int rows = 0;
  for (const int frames : windows) {
    for (int query = 0; query < frames; query += kRaggedAttentionQueries)
      blocks.push_back({rows, frames, query});
    rows += frames;
  }
  const int64_t width = 64 * heads, stride = 3 * width;
  const std::vector<float> joined = Random(rows * stride);
  const DeviceBuffer<float> djoined = Upload(joined);
  const DeviceBuffer<RaggedAttentionBlock> dblocks = Upload(blocks);
  const DeviceBuffer<float> doutput = Upload(std::vector<float>(static_cast<size_t>(rows * width), -1.0f));
  ASSERT_TRUE(LaunchRaggedAttention(stream_->context(), djoined.data(), heads, dblocks.data(),
                                    static_cast<int64_t>(blocks.size()), doutput.data())
                  .ok());
  const std::vector<float> output = Download(doutput);
  int64_t start = 0;
  for (const int frames : windows) {
    for (int64_t query = 0; query < frames; ++query) {
      for (int64_t head = 0; head < heads; ++head) {
        std::vector<double> weights;
        double largest = -INFINITY, total = 0;
        for (int64_t key = 0; key < frames; ++key) {
          double score = 0;
          for (int64_t i = 0; i < 64; ++i) {
            score += double{joined[(start + query) * stride + head * 64 + i]} *
                     joined[(start + key) * stride + width + head * 64 + i];
          }
          weights.push_back(score);
          largest = std::max(largest, score);
        }
        for (double& weight : weights) total += weight = std::exp(weight - largest);
        for (int64_t i = 0; i < 64; i += 7) {
          double sum = 0;
          for (int64_t key = 0; key < frames; ++key) {
            sum += weights[key] / total * joined[(start + key) * stride + 2 * width + head * 64 + i];
          }
          ASSERT_NEAR(output[(start + query) * width + head * 64 + i], sum, 1e-4);
        }
      }
    }
    start += frames;
  }
}

TEST_F(CudaKernelsTest, RowMaps) {
  const int64_t width = 20;
  const std::vector<float> x = Random(3 * width), bias = Random(width), positions = Random(2 * width);
  const DeviceBuffer<float> dx = Upload(x), dbias = Upload(bias), dpositions = Upload(positions);
  const DeviceBuffer<int32_t> source = Upload(std::vector<int32_t>{2, -1, 0, 1});
  const DeviceBuffer<float> spaced = Upload(std::vector<float>(static_cast<size_t>(4 * width), 7.0f));
  const DeviceContext context = stream_->context();
  ASSERT_TRUE(
      LaunchSpaceRows(context, {dx.data(), 3, width}, source.data(), 4, ElementType::kF32, spaced.data())
          .ok());
  std::vector<float> y = Download(spaced);
  for (int64_t i = 0; i < width; ++i) {
    EXPECT_EQ(y[i], x[2 * width + i]);
    EXPECT_EQ(y[width + i], 0.0f);
    EXPECT_EQ(y[2 * width + i], x[i]);
  }
  const auto gelu = [](double v) { return 0.5 * v * std::erfc(-v / std::sqrt(2.0)); };
  const DeviceBuffer<int32_t> rows = Upload(std::vector<int32_t>{3, 1}),
                              position = Upload(std::vector<int32_t>{1, 0});
  const DeviceBuffer<float> gathered = Upload(std::vector<float>(static_cast<size_t>(2 * width)));
  ASSERT_TRUE(LaunchGatherWithPositions(context, spaced.data(), ElementType::kF32, rows.data(),
                                        position.data(), 2, width, dbias.data(), dpositions.data(),
                                        gathered.data())
                  .ok());
  const std::vector<float> g = Download(gathered);
  ASSERT_TRUE(
      LaunchBiasActivation(context, spaced.data(), 4, width, dbias.data(), source.data(), RowActivation::kGelu, ElementType::kF32).ok());
  y = Download(spaced);
  for (int64_t i = 0; i < width; ++i) {
    EXPECT_NEAR(g[i], gelu(x[width + i] + bias[i]) + positions[width + i], 1e-5);
    EXPECT_NEAR(g[width + i], gelu(bias[i]) + positions[i], 1e-5);
    EXPECT_NEAR(y[i], gelu(x[2 * width + i] + bias[i]), 1e-5);
    EXPECT_EQ(y[width + i], 0.0f) << "gaps stay zero";
  }
}

}  // namespace
}  // namespace skald
