#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cuda/device_buffer.h"
#include "golden_windows.h"
#include "models/cuda_acoustic_model.h"
#include "support/tolerances.h"

namespace skald::test {

inline const std::vector<std::string> kHeads = {"char", "bpe", "phone"};

class CudaAcousticModelTest : public ::testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    if (CudaDeviceCount() == 0) GTEST_SKIP() << "no CUDA device";
    StatusOr<CudaStream> stream = CudaStream::Create(0);
    ASSERT_TRUE(stream.ok()) << stream.status().ToString();
    stream_.emplace(std::move(stream).value());
  }

  std::unique_ptr<CudaAcousticModel> Load(Precision precision, int64_t feature_frames, int windows) {
    StatusOr<Bundle> bundle = Bundle::Open(ProjectPath("models/en-base"));
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
    for (size_t head = 0; head < model->heads().size(); ++head) {
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
    for (size_t head = 0; head < outputs.size(); ++head) {
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
      const double largest = LargestDifference(scores.values(head), golden.nll[head]);
      const double mean = MeanDifference(scores.values(head), golden.nll[head]);
      RecordProperty(name + "_" + kHeads[head] + "_largest", std::to_string(largest));
      RecordProperty(name + "_" + kHeads[head] + "_mean", std::to_string(mean));
      if (precision == Precision::kF32) {
        EXPECT_LE(largest, kLogProbF32Abs) << kHeads[head];
      } else {
        EXPECT_LE(mean, kLogProbBf16Mean) << PrecisionName(precision) << " " << kHeads[head];
      }
    }
  }

  std::optional<CudaStream> stream_;
};

inline std::string NameOfPrecision(const ::testing::TestParamInfo<Precision>& info) {
  return PrecisionName(info.param);
}

}  // namespace skald::test
