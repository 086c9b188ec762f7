#include "models/cuda_acoustic_model.h"

#include <gtest/gtest.h>
#include <random>

#include "cuda_model_fixture.h"

namespace skald {
namespace {

using test::CudaAcousticModelTest;
using test::GoldenWindow;
using test::kHeads;
using test::LoadGoldenWindow;
using test::ScoreBuffers;

TEST_P(CudaAcousticModelTest, ShortWindowMatchesTheReference) { ExpectGolden("short", GetParam()); }

TEST_P(CudaAcousticModelTest, PoolingMatchesTheReference) {
  const test::PooledBundleFolder folder;
  StatusOr<Bundle> bundle = folder.Open();
  ASSERT_TRUE(bundle.ok()) << bundle.status().ToString();
  const GoldenWindow golden = LoadGoldenWindow("short", {});
  CudaAcousticModelOptions options;
  options.precision = GetParam();
  options.max_batch_feature_frames = golden.feature_frames + 7;
  options.max_batch_windows = 2;
  options.heads = {"char"};
  auto model = CudaAcousticModel::Load(stream_->context(), *bundle, options);
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  // A short window in front: 4 frames before pooling, 2 after.
  std::vector<float> features(7 * 80, 0.25f);
  features.insert(features.end(), golden.feature_values.begin(), golden.feature_values.end());
  ScoreBuffers scores(**model, {7, golden.feature_frames});
  const Status status = Run(model->get(), {features.data(), scores.feature_frames(), 80}, &scores);
  ASSERT_TRUE(status.ok()) << status.ToString();
  const std::vector<float> expected = test::LoadPooledScores("short");
  const std::span<const float> actual =
      test::ScoreRows(scores, 0, 2, (*model)->ScoreFrames(golden.feature_frames));
  if (GetParam() == Precision::kF32) {
    EXPECT_LE(test::LargestDifference(actual, expected), test::kLogProbF32Abs);
  } else {
    EXPECT_LE(test::MeanDifference(actual, expected), test::kLogProbBf16Mean);
  }
}

TEST_P(CudaAcousticModelTest, AWindowDoesNotDependOnItsBatch) {
  std::mt19937_64 random(test::PropertySeed());
  std::normal_distribution<float> value(0.0f, 0.5f);
  std::vector<int64_t> lengths = {1, 0, 2, 3, 62, 63, 64, 65, 90};
  std::shuffle(lengths.begin(), lengths.end(), random);
  const std::unique_ptr<CudaAcousticModel> model = Load(GetParam(), 400, static_cast<int>(lengths.size()));
  ASSERT_NE(model, nullptr);
  ScoreBuffers batch(*model, lengths);
  std::vector<float> features(static_cast<size_t>(batch.feature_frames() * 80));
  for (float& x : features) x = value(random);
  Status status = Run(model.get(), {features.data(), batch.feature_frames(), 80}, &batch);
  ASSERT_TRUE(status.ok()) << status.ToString();
  int64_t feature_frame = 0, frame = 0;
  for (const int64_t length : lengths) {
    ScoreBuffers single(*model, {length});
    status = Run(model.get(), {features.data() + feature_frame * 80, length, 80}, &single);
    ASSERT_TRUE(status.ok()) << status.ToString();
    for (size_t head = 0; head < kHeads.size(); ++head) {
      EXPECT_TRUE(test::SameBits(single.values(head),
                                 test::ScoreRows(batch, head, frame, model->ScoreFrames(length))))
          << kHeads[head] << " window of " << length;
    }
    feature_frame += length;
    frame += model->ScoreFrames(length);
  }
}

TEST_P(CudaAcousticModelTest, RefusesBatchesBeyondItsLimits) {
  const std::unique_ptr<CudaAcousticModel> model = Load(GetParam(), 100, 2);
  ASSERT_NE(model, nullptr);
  const auto code = [&](std::vector<int64_t> windows) {
    ScoreBuffers scores(*model, windows);
    std::vector<float> features(static_cast<size_t>(scores.feature_frames() * 80) + 1);
    return Run(model.get(), {features.data(), scores.feature_frames(), 80}, &scores).code();
  };
  EXPECT_EQ(code({101}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({10, 10, 10}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({0, 0}), StatusCode::kOk);
}

INSTANTIATE_TEST_SUITE_P(Precisions, CudaAcousticModelTest,
                         ::testing::Values(Precision::kF32, Precision::kF16, Precision::kBf16),
                         test::NameOfPrecision);

}  // namespace
}  // namespace skald
