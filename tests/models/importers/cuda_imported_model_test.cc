#include <gtest/gtest.h>
#include <random>

#include "cuda_model_fixture.h"
#include "golden_checkpoint.h"

namespace skald {
namespace {

/// Networks of golden checkpoints on the device.
class CudaImportedModelTest : public test::CudaAcousticModelTest {
 protected:
  void Compare(const std::string& name) {
    const test::GoldenCheckpoint golden(name);
    const std::unique_ptr<CudaAcousticModel> model = LoadBundle(*golden.bundle, golden.features().rows, 2);
    ASSERT_NE(model, nullptr);
    test::ScoreBuffers scores(*model, golden.window_feature_frames);
    const Status status = Run(model.get(), golden.features(), &scores);
    ASSERT_TRUE(status.ok()) << status.ToString();
    const double largest = test::LargestDifference(scores.values(0), golden.nll);
    const double mean = test::MeanDifference(scores.values(0), golden.nll);
    RecordProperty(name, "largest " + std::to_string(largest) + " mean " + std::to_string(mean));
    if (GetParam() == Precision::kF32) {
      EXPECT_LE(largest, test::kLogProbImportedAbs) << name;
    } else {
      EXPECT_LE(mean, test::kLogProbRandomWeightsMean) << name;
    }
  }

  /// A window's bits in a batch and alone.
  void CompareBatch(const std::string& name, std::vector<int64_t> lengths) {
    const test::GoldenCheckpoint golden(name);
    std::mt19937_64 random(test::PropertySeed());
    std::normal_distribution<float> value(0.0f, 0.5f);
    std::shuffle(lengths.begin(), lengths.end(), random);
    int64_t total = 0;
    for (const int64_t length : lengths) total += length;
    const std::unique_ptr<CudaAcousticModel> model =
        LoadBundle(*golden.bundle, total, static_cast<int>(lengths.size()));
    ASSERT_NE(model, nullptr);
    const int bins = model->feature_bins();
    test::ScoreBuffers batch(*model, lengths);
    std::vector<float> features(static_cast<size_t>(total * bins));
    for (float& x : features) x = value(random);
    Status status = Run(model.get(), {features.data(), total, bins}, &batch);
    ASSERT_TRUE(status.ok()) << status.ToString();
    int64_t feature_frame = 0, frame = 0;
    for (const int64_t length : lengths) {
      test::ScoreBuffers single(*model, {length});
      status = Run(model.get(), {features.data() + feature_frame * bins, length, bins}, &single);
      ASSERT_TRUE(status.ok()) << status.ToString();
      const int64_t frames = model->ScoreFrames(length);
      EXPECT_TRUE(test::SameBits(single.values(0), test::ScoreRows(batch, 0, frame, frames)))
          << name << ": window of " << length;
      feature_frame += length;
      frame += frames;
    }
  }

 private:
  std::unique_ptr<CudaAcousticModel> LoadBundle(const Bundle& bundle, int64_t feature_frames, int windows) {
    CudaAcousticModelOptions options;
    options.precision = GetParam();
    options.max_batch_feature_frames = feature_frames;
    options.max_batch_windows = windows;
    auto model = CudaAcousticModel::Load(stream_->context(), bundle, options);
    EXPECT_TRUE(model.ok()) << model.status().ToString();
    return model.ok() ? std::move(model).value() : nullptr;
  }
};

TEST_P(CudaImportedModelTest, Wav2Vec2OfEitherNormMatchesTransformers) {
  Compare("wav2vec2_group");
  Compare("wav2vec2_layer");
}
TEST_P(CudaImportedModelTest, HubertMatchesTransformers) { Compare("hubert"); }
TEST_P(CudaImportedModelTest, ParakeetMatchesTransformers) {
  Compare("parakeet");
  Compare("parakeet_without_biases");
}
TEST_P(CudaImportedModelTest, WhisperMatchesTransformers) { Compare("whisper"); }
TEST_P(CudaImportedModelTest, AWindowDoesNotDependOnItsBatch) {
  CompareBatch("wav2vec2_group", {0, 399, 400, 721, 5000});
  CompareBatch("parakeet", {0, 1, 2, 9, 64, 65, 130});
}

INSTANTIATE_TEST_SUITE_P(Precisions, CudaImportedModelTest,
                         ::testing::Values(Precision::kF32, Precision::kF16, Precision::kBf16),
                         test::NameOfPrecision);

}  // namespace
}  // namespace skald
