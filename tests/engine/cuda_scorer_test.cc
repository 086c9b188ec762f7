#include <cmath>
#include <gtest/gtest.h>

#include "engine/scorer.h"
#include "models/bundle/bundle.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

/// A tone that glides, so that frames differ.
std::vector<float> Glide(size_t samples, double low_hz, double high_hz) {
  std::vector<float> glide(samples);
  double phase = 0;
  for (size_t i = 0; i < samples; ++i) {
    const double hz = low_hz + (high_hz - low_hz) * static_cast<double>(i) / static_cast<double>(samples);
    phase += 2 * M_PI * hz / kSampleRateHz;
    glide[i] = static_cast<float>(0.3 * std::sin(phase));
  }
  return glide;
}

class CudaScorerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (UsableCudaDevices() == 0) GTEST_SKIP() << "no CUDA device and no emulator";
    auto bundle = Bundle::Open(test::ProjectPath("models/en-base"));
    ASSERT_TRUE(bundle.ok()) << bundle.status().ToString();
    options_.precision = "f32";
    options_.heads = {"char", "phone"};
    options_.max_window_s = 4;
    options_.max_batch_s = 4;
    options_.scaling = {{0.8f, 1.5f}, {0.5f, -1.0f}};
    auto cuda = MakeCudaScorer(*bundle, options_, 0);
    ASSERT_TRUE(cuda.ok()) << cuda.status().ToString();
    cuda_ = std::move(*cuda);
    auto cpu = MakeCpuScorers(*bundle, options_, 1);
    ASSERT_TRUE(cpu.ok()) << cpu.status().ToString();
    cpu_ = std::move(cpu->front());
  }

  std::vector<ScoreRows> Score(Scorer* scorer, const std::vector<WindowInput>& windows) {
    std::vector<ScoreRows> scores;
    ScorerTiming timing;
    const Status status = scorer->Score(windows, &scores, &timing);
    EXPECT_TRUE(status.ok()) << status.ToString();
    EXPECT_GT(timing.model_s, 0);
    return scores;
  }

  ScorerOptions options_;
  std::unique_ptr<Scorer> cuda_, cpu_;
};

TEST_F(CudaScorerTest, AgreesWithTheCpuOnBatchesLargerThanItsLimit) {
  const std::vector<float> one = Glide(30000, 200, 3000), two = Glide(16000, 900, 100),
                           three = Glide(31777, 400, 500);
  const std::vector<float> single(1, 0.1f);
  const std::vector<WindowInput> windows = {one, two, single, three};
  EXPECT_EQ(cuda_->shape().units, cpu_->shape().units);
  EXPECT_EQ(cuda_->shape().head_units, cpu_->shape().head_units);
  EXPECT_EQ(cuda_->shape().head_units.size(), 2u);
  EXPECT_EQ(cuda_->shape().frame_shift_samples, cpu_->shape().frame_shift_samples);
  const auto on_cuda = Score(cuda_.get(), windows);
  const auto on_cpu = Score(cpu_.get(), windows);
  ASSERT_EQ(on_cuda.size(), windows.size());
  for (size_t i = 0; i < windows.size(); ++i) {
    ASSERT_EQ(on_cuda[i].frames(), on_cpu[i].frames());
    for (int64_t frame = 0; frame < on_cuda[i].frames(); ++frame) {
      const float blank_nll = on_cuda[i].blank_nll[frame];
      ASSERT_NEAR(blank_nll, on_cpu[i].blank_nll[frame], test::kLogProbF32Abs);
      ASSERT_EQ(on_cuda[i].nll(frame, 0), 0.8f * (blank_nll + 1.5f)) << "bits of the host's scaling";
    }
    for (int64_t k = 0; k < on_cuda[i].frames() * on_cuda[i].nll.columns; ++k) {
      ASSERT_NEAR(on_cuda[i].nll.data[k], on_cpu[i].nll.data[k], test::kLogProbF32Abs)
          << "window " << i << ", value " << k;
    }
  }
}

TEST_F(CudaScorerTest, TooLongWindowIsRefused) {
  const std::vector<float> samples(5 * kSampleRateHz, 0.1f);
  std::vector<ScoreRows> scores;
  ScorerTiming timing;
  EXPECT_EQ(cuda_->Score(std::vector<WindowInput>{samples}, &scores, &timing).code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace skald
