#include "models/cuda_acoustic_model.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>

#include "base/cuda/device_buffer.h"
#include "golden_windows.h"
#include "support/tolerances.h"

namespace skald {
namespace {

using test::GoldenWindow;
using test::LoadGoldenWindow;
using test::ScoreBuffers;

const std::vector<std::string> kHeads = {"char", "bpe", "phone"};

class CudaAcousticModelTest : public ::testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    if (CudaDeviceCount() == 0) GTEST_SKIP() << "no CUDA device";
    StatusOr<CudaStream> stream = CudaStream::Create(0);
    ASSERT_TRUE(stream.ok()) << stream.status().ToString();
    stream_.emplace(std::move(stream).value());
  }

  std::unique_ptr<CudaAcousticModel> Load(Precision precision, int64_t feature_frames, int windows) {
    StatusOr<Bundle> bundle = Bundle::Open(test::ProjectPath("models/en-base"));
    EXPECT_TRUE(bundle.ok()) << bundle.status().ToString();
    CudaAcousticModelOptions options;
    options.precision = precision;
    options.heads = kHeads;
    options.max_batch_feature_frames = feature_frames;
    options.max_batch_windows = windows;
    auto model = CudaAcousticModel::Load(stream_->context(), *bundle, options);
    EXPECT_TRUE(model.ok()) << model.status().ToString();
    return model.ok() ? std::move(model).value() : nullptr;
  }

  /// Runs a batch of host features and fetches the scores.
  Status Run(CudaAcousticModel* model, FeatureView features, ScoreBuffers* scores) {
    const DeviceContext context = stream_->context();
    const std::span<const float> values(features.data, static_cast<size_t>(features.rows * features.columns));
    SKALD_ASSIGN_OR_RETURN(DeviceBuffer<float> device_features,
                           DeviceBuffer<float>::Create(values.size(), "test features"));
    SKALD_RETURN_IF_ERROR(device_features.CopyFrom(context, values));
    std::vector<DeviceBuffer<float>> outputs;
    std::vector<MatrixView<float>> views;
    for (size_t head = 0; head < kHeads.size(); ++head) {
      SKALD_ASSIGN_OR_RETURN(DeviceBuffer<float> output,
                             DeviceBuffer<float>::Create(scores->values(head).size(), "test scores"));
      const MatrixView<float>& host = scores->views()[head];
      views.push_back({output.data(), host.rows, host.columns});
      outputs.push_back(std::move(output));
    }
    const size_t before = CurrentDeviceMemoryUse().current_bytes;
    SKALD_RETURN_IF_ERROR(model->Run(context, {device_features.data(), features.rows, features.columns},
                                     scores->window_feature_frames(), views));
    EXPECT_EQ(CurrentDeviceMemoryUse().current_bytes, before);
    for (size_t head = 0; head < kHeads.size(); ++head) {
      SKALD_RETURN_IF_ERROR(outputs[head].CopyTo(context, scores->values(head)));
    }
    return stream_->Synchronize();
  }

  void ExpectGolden(const std::string& name, Precision precision) {
    const GoldenWindow golden = LoadGoldenWindow(name, kHeads);
    const std::unique_ptr<CudaAcousticModel> model = Load(precision, golden.feature_frames, 1);
    ASSERT_NE(model, nullptr);
    ScoreBuffers scores(*model, {golden.feature_frames});
    const Status status = Run(model.get(), golden.features(), &scores);
    ASSERT_TRUE(status.ok()) << status.ToString();
    for (size_t head = 0; head < kHeads.size(); ++head) {
      const double largest = test::LargestDifference(scores.values(head), golden.nll[head]);
      const double mean = test::MeanDifference(scores.values(head), golden.nll[head]);
      RecordProperty(name + "_" + kHeads[head] + "_largest", std::to_string(largest));
      RecordProperty(name + "_" + kHeads[head] + "_mean", std::to_string(mean));
      if (precision == Precision::kF32) {
        EXPECT_LE(largest, test::kLogProbF32Abs) << kHeads[head];
      } else {
        EXPECT_LE(mean, test::kLogProbBf16Mean) << PrecisionName(precision) << " " << kHeads[head];
      }
    }
  }

  std::optional<CudaStream> stream_;
};

TEST_P(CudaAcousticModelTest, ShortWindowMatchesTheReference) { ExpectGolden("short", GetParam()); }

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
      EXPECT_EQ(
          std::memcmp(single.values(head).data(), batch.values(head).data() + frame * model->Units(head),
                      single.values(head).size() * sizeof(float)),
          0)
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
                         [](const auto& info) { return std::string(PrecisionName(info.param)); });

}  // namespace
}  // namespace skald
