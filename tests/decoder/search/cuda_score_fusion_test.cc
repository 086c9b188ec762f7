#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>
#include <vector>

#include "base/cuda/device_buffer.h"
#include "kernels/search/score_fusion.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald::test {
namespace {

using ::testing::HasSubstr;

/// Log-probs of `models` models [rows, units], rows a little apart, with some that are -infinity.
struct Inputs {
  int64_t rows, units, stride;
  std::vector<std::vector<float>> log_probs;

  Inputs(int models, int64_t rows_in, int64_t units_in, std::mt19937_64& random)
      : rows(rows_in), units(units_in), stride(units_in + 5) {
    std::exponential_distribution<float> nll(0.2f);
    for (int k = 0; k < models; ++k) {
      std::vector<float> values(static_cast<size_t>(rows * stride));
      for (float& value : values) value = random() % 50 == 0 ? -INFINITY : -nll(random);
      log_probs.push_back(std::move(values));
    }
  }
};

/// The definition, in f32 term by term where that gives the same bits, else in f64.
double Expected(const Inputs& inputs, const ScoreFusion& fusion, int64_t row, int64_t unit) {
  const auto at = [&](int k) {
    return inputs.log_probs[static_cast<size_t>(k)][static_cast<size_t>(row * inputs.stride + unit)];
  };
  const float penalty = unit == 0 ? fusion.blank_penalty : 0.0f;
  if (fusion.rule == ScoreFusionRule::kLogLinear) {
    float sum = fusion.weights[0] * at(0);
    for (int k = 1; k < fusion.models; ++k) sum = sum + fusion.weights[k] * at(k);
    return (unit == 0 ? -sum + penalty : -sum) * fusion.acoustic_scale;
  }
  double sum = 0;
  for (int k = 0; k < fusion.models; ++k) sum += double{fusion.weights[k]} * std::exp(double{at(k)});
  return (-std::log(sum) + penalty) * fusion.acoustic_scale;
}

class CudaScoreFusion : public ::testing::Test {
 protected:
  void SetUp() override {
    if (CudaDeviceCount() == 0) GTEST_SKIP() << "no CUDA device";
  }

  std::vector<float> Run(const Inputs& inputs, ScoreFusion fusion, bool in_place) {
    StatusOr<CudaStream> stream = CudaStream::Create(0);
    EXPECT_TRUE(stream.ok());
    const DeviceContext context = stream->context();
    std::vector<DeviceBuffer<float>> buffers;
    const size_t size = static_cast<size_t>(inputs.rows * inputs.stride);
    for (int k = 0; k <= fusion.models; ++k) {
      buffers.push_back(std::move(DeviceBuffer<float>::Create(size, "test scores")).value());
      if (k == fusion.models) break;
      EXPECT_TRUE(buffers.back().CopyFrom(context, inputs.log_probs[static_cast<size_t>(k)]).ok());
      fusion.log_probs[k] = ScoreView(buffers.back().data(), inputs.rows, inputs.units, inputs.stride);
    }
    const auto& result = in_place ? buffers.front() : buffers.back();
    const Status status = FuseScores(
        context, fusion, MatrixView<float>(result.data(), inputs.rows, inputs.units, inputs.stride));
    EXPECT_TRUE(status.ok()) << status.ToString();
    std::vector<float> dense(static_cast<size_t>(inputs.rows * inputs.units));
    EXPECT_EQ(cudaMemcpy2DAsync(dense.data(), static_cast<size_t>(inputs.units) * 4, result.data(),
                                static_cast<size_t>(inputs.stride) * 4, static_cast<size_t>(inputs.units) * 4,
                                static_cast<size_t>(inputs.rows), cudaMemcpyDeviceToHost, context.stream),
              cudaSuccess);
    EXPECT_TRUE(stream->Synchronize().ok());
    return dense;
  }
};

TEST_F(CudaScoreFusion, EqualsTheDefinition) {
  std::mt19937_64 random(PropertySeed());
  for (const ScoreFusionRule rule : {ScoreFusionRule::kLogLinear, ScoreFusionRule::kArithmetic}) {
    for (int models = 1; models <= kMaxFusedModels; models += models < 3 ? 1 : 5) {
      for (const auto& [rows, units] : {std::pair<int64_t, int64_t>{1, 1}, {7, 29}, {40, 257}}) {
        const Inputs inputs(models, rows, units, random);
        ScoreFusion fusion;
        fusion.rule = rule;
        fusion.models = models;
        for (int k = 0; k < models; ++k) {
          fusion.weights[k] = std::uniform_real_distribution<float>(0.05f, 0.6f)(random);
        }
        fusion.acoustic_scale = 0.4f;
        fusion.blank_penalty = 1.25f;
        const std::vector<float> result = Run(inputs, fusion, models == 2);
        for (int64_t i = 0; i < rows * units; ++i) {
          const double expected = Expected(inputs, fusion, i / units, i % units);
          const float actual = result[static_cast<size_t>(i)];
          if (rule == ScoreFusionRule::kLogLinear || std::isinf(expected)) {
            ASSERT_EQ(actual, static_cast<float>(expected)) << models << " models, element " << i;
          } else {
            ASSERT_NEAR(actual, expected, kScoreFusionAbs) << models << " models, element " << i;
          }
        }
      }
    }
  }
}

TEST_F(CudaScoreFusion, ModelsOfWeightZeroAreNotRead) {
  std::mt19937_64 random(PropertySeed());
  Inputs inputs(2, 5, 9, random);
  std::fill(inputs.log_probs[0].begin(), inputs.log_probs[0].end(), NAN);
  ScoreFusion fusion;
  fusion.models = 2;
  fusion.weights[0] = 0;
  fusion.weights[1] = 1;
  const std::vector<float> result = Run(inputs, fusion, false);
  for (int64_t i = 0; i < 45; ++i) {
    EXPECT_EQ(result[static_cast<size_t>(i)],
              -inputs.log_probs[1][static_cast<size_t>(i / 9 * inputs.stride + i % 9)]);
  }
}

TEST_F(CudaScoreFusion, WrongShapesAndWeightsAreNamed) {
  float memory = 0;
  const MatrixView<float> nll(&memory, 0, 4);
  ScoreFusion fusion;
  fusion.log_probs[0] = ScoreView(&memory, 0, 4);
  EXPECT_TRUE(FuseScores({}, fusion, nll).ok()) << "no frames";
  fusion.log_probs[0] = ScoreView(&memory, 0, 5);
  EXPECT_THAT(FuseScores({}, fusion, nll).reason(), HasSubstr("model 0 has scores [0, 5]"));
  fusion.log_probs[0] = ScoreView(&memory, 0, 4);
  fusion.weights[0] = -1;
  EXPECT_THAT(FuseScores({}, fusion, nll).reason(), HasSubstr("model 0 needs a weight"));
  fusion.weights[0] = 0;
  EXPECT_THAT(FuseScores({}, fusion, nll).reason(), HasSubstr("every model has weight 0"));
  fusion.models = 9;
  EXPECT_THAT(FuseScores({}, fusion, nll).reason(), HasSubstr("1 to 8 models"));
}

}  // namespace
}  // namespace skald::test
