#include "models/acoustic_model.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

#include "golden_windows.h"
#include "models/architectures/whisper_encoder_ctc.h"
#include "models/layers/cpu/simd_kernels.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

using test::GoldenWindow;
using test::LoadGoldenWindow;
using test::ScoreBuffers;

const std::vector<std::string> kHeads = {"char", "bpe", "phone"};

std::unique_ptr<AcousticModel> LoadModel(Precision precision, int threads = 2) {
  StatusOr<Bundle> bundle = Bundle::Open(test::ProjectPath("models/en-base"));
  EXPECT_TRUE(bundle.ok()) << bundle.status().ToString();
  AcousticModelOptions options;
  options.precision = precision;
  options.threads = threads;
  options.heads = kHeads;
  StatusOr<std::unique_ptr<AcousticModel>> model = AcousticModel::Load(*bundle, options);
  if (model.ok()) return std::move(model).value();
  EXPECT_EQ(model.status().code(), StatusCode::kUnsupported) << model.status().ToString();
  return nullptr;
}

class GoldenTest : public ::testing::TestWithParam<const char*> {};

TEST_P(GoldenTest, ScoresMatchTheReferenceForwardPassInF32) {
  const GoldenWindow golden = LoadGoldenWindow(GetParam(), kHeads);
  const std::unique_ptr<AcousticModel> model = LoadModel(Precision::kF32);
  ScoreBuffers scores(*model, {golden.feature_frames});
  ASSERT_TRUE(model->Run(golden.features(), scores.window_feature_frames(), scores.views()).ok());
  for (size_t head = 0; head < kHeads.size(); ++head) {
    EXPECT_LE(test::LargestDifference(scores.values(head), golden.nll[head]), test::kLogProbF32Abs)
        << kHeads[head];
  }
}

TEST_P(GoldenTest, ReducedPrecisionStaysCloseToTheReference) {
  const GoldenWindow golden = LoadGoldenWindow(GetParam(), kHeads);
  for (const Precision precision : {Precision::kBf16, Precision::kInt8}) {
    const std::unique_ptr<AcousticModel> model = LoadModel(precision);
    if (model == nullptr) continue;  // the processor lacks it
    ScoreBuffers scores(*model, {golden.feature_frames});
    ASSERT_TRUE(model->Run(golden.features(), scores.window_feature_frames(), scores.views()).ok());
    for (size_t head = 0; head < kHeads.size(); ++head) {
      const double mean = test::MeanDifference(scores.values(head), golden.nll[head]);
      RecordProperty(std::string(PrecisionName(precision)) + "_" + kHeads[head],
                     "mean " + std::to_string(mean) + " largest " +
                         std::to_string(test::LargestDifference(scores.values(head), golden.nll[head])));
      EXPECT_LE(mean, precision == Precision::kBf16 ? test::kLogProbBf16Mean : test::kLogProbInt8Mean)
          << PrecisionName(precision) << " " << kHeads[head];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Windows, GoldenTest, ::testing::Values("short", "jfk", "long15"));

// Lengths around everything the code rounds to: pairs, tiles of 64 rows, blocks of 48 queries and 64 keys.
TEST(AcousticModelTest, AWindowsBitsDoNotDependOnItsBatch) {
  std::mt19937_64 random(test::PropertySeed());
  std::normal_distribution<float> value(0.0f, 0.5f);
  std::vector<int64_t> lengths = {1, 0, 2, 3, 95, 96, 97, 127, 128, 129, 256, 257, 401};
  std::shuffle(lengths.begin(), lengths.end(), random);
  for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
    const std::unique_ptr<AcousticModel> batch_model = LoadModel(precision, 2);
    if (batch_model == nullptr) continue;
    const std::unique_ptr<AcousticModel> single_model = LoadModel(precision, 1);
    ScoreBuffers batch(*batch_model, lengths);
    std::vector<float> features(static_cast<size_t>(batch.feature_frames() * 80));
    for (float& x : features) x = value(random);
    ASSERT_TRUE(batch_model->Run({features.data(), batch.feature_frames(), 80}, lengths, batch.views()).ok());
    int64_t feature_frame = 0, frame = 0;
    for (const int64_t length : lengths) {
      ScoreBuffers single(*single_model, {length});
      ASSERT_TRUE(single_model
                      ->Run({features.data() + feature_frame * 80, length, 80},
                            single.window_feature_frames(), single.views())
                      .ok());
      for (size_t head = 0; head < kHeads.size(); ++head) {
        EXPECT_TRUE(test::SameBits(single.values(head),
                                   test::ScoreRows(batch, head, frame, single_model->ScoreFrames(length))))
            << PrecisionName(precision) << " " << kHeads[head] << " window of " << length;
      }
      feature_frame += length;
      frame += single_model->ScoreFrames(length);
    }
  }
}

TEST(AcousticModelTest, PoolingMatchesTheReference) {
  const test::PooledBundleFolder folder;
  StatusOr<Bundle> bundle = folder.Open();
  ASSERT_TRUE(bundle.ok()) << bundle.status().ToString();
  AcousticModelOptions options;
  options.precision = Precision::kF32;
  options.threads = 2;
  options.heads = {"char"};
  StatusOr<std::unique_ptr<AcousticModel>> model = AcousticModel::Load(*bundle, options);
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  // Two windows, the first with an odd number of frames after the second convolution.
  const GoldenWindow first = LoadGoldenWindow("short", {}), second = LoadGoldenWindow("jfk", {});
  ScoreBuffers scores(**model, {first.feature_frames, second.feature_frames});
  std::vector<float> features = first.feature_values;
  features.insert(features.end(), second.feature_values.begin(), second.feature_values.end());
  ASSERT_TRUE((*model)
                  ->Run({features.data(), scores.feature_frames(), 80}, scores.window_feature_frames(),
                        scores.views())
                  .ok());
  std::vector<float> expected = test::LoadPooledScores("short");
  const std::vector<float> more = test::LoadPooledScores("jfk");
  expected.insert(expected.end(), more.begin(), more.end());
  EXPECT_LE(test::LargestDifference(scores.values(0), expected), test::kLogProbF32Abs);
}

TEST(AcousticModelTest, ScoresAreNegativeLogProbabilities) {
  const GoldenWindow golden = LoadGoldenWindow("short", kHeads);
  const std::unique_ptr<AcousticModel> model = LoadModel(Precision::kAuto);
  EXPECT_NE(model->precision(), Precision::kAuto);
  ScoreBuffers scores(*model, {golden.feature_frames});
  ASSERT_TRUE(model->Run(golden.features(), scores.window_feature_frames(), scores.views()).ok());
  const MatrixView<float> nll = scores.views()[1];
  for (int64_t frame = 0; frame < nll.rows; ++frame) {
    double sum = 0;
    for (const float x : nll.Row(frame)) sum += std::exp(-double{x});
    EXPECT_NEAR(sum, 1.0, 1e-5);
  }
}

TEST(AcousticModelTest, RefusesShapesThatDoNotFit) {
  const std::unique_ptr<AcousticModel> model = LoadModel(Precision::kF32, 1);
  std::vector<float> features(100 * 80);
  ScoreBuffers scores(*model, {100});
  const std::vector<int64_t> lengths = {100};
  const auto code = [&](FeatureView view, const std::vector<int64_t>& windows,
                        std::span<const MatrixView<float>> outputs) {
    return model->Run(view, windows, outputs).code();
  };
  EXPECT_EQ(code({features.data(), 99, 80}, lengths, scores.views()), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({features.data(), 100, 79}, lengths, scores.views()), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({features.data(), 100, 80}, {-100}, scores.views()), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({features.data(), 3001, 80}, {3001}, scores.views()), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({features.data(), 30000, 80}, std::vector<int64_t>(10, 3000), scores.views()),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(code({features.data(), 100, 80}, lengths, scores.views().subspan(1)),
            StatusCode::kInvalidArgument);
  EXPECT_TRUE(model->Run({features.data(), 100, 80}, lengths, scores.views()).ok());
  EXPECT_TRUE(model->Run({nullptr, 0, 80}, {}, ScoreBuffers(*model, {}).views()).ok());
}

TEST(AcousticModelTest, RefusesUnknownHeadsAndPrecisions) {
  StatusOr<Bundle> bundle = Bundle::Open(test::ProjectPath("models/en-base"));
  ASSERT_TRUE(bundle.ok());
  AcousticModelOptions options;
  options.heads = {"senone"};
  EXPECT_EQ(AcousticModel::Load(*bundle, options).status().ToString(), "bundle en-base has no head senone");
  options.heads = {"char", "char"};
  EXPECT_EQ(AcousticModel::Load(*bundle, options).status().code(), StatusCode::kInvalidArgument);
  options.heads = {};
  options.precision = Precision::kF16;
  EXPECT_EQ(AcousticModel::Load(*bundle, options).status().code(), StatusCode::kUnsupported);
  options.precision = Precision::kF32;
  options.threads = 0;
  EXPECT_EQ(AcousticModel::Load(*bundle, options).status().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(ParsePrecision("bf16").ok());
  EXPECT_FALSE(ParsePrecision("fp8").ok());
}

}  // namespace
}  // namespace skald
