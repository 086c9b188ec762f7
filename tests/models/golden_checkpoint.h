#pragma once

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

#include "golden_windows.h"
#include "models/bundle/safetensors.h"
#include "models/importers/hugging_face.h"
#include "support/test_environment.h"

namespace skald::test {

/// The checkpoints of golden/hf (golden/make_hf_golden.py).
inline constexpr const char* kGoldenCheckpoints[] = {"wav2vec2_group", "wav2vec2_layer",          "hubert",
                                                     "parakeet",       "parakeet_without_biases", "whisper"};

/// A checkpoint of golden/hf imported to a temporary bundle, with two windows and what transformers makes of
/// them.
struct GoldenCheckpoint {
  explicit GoldenCheckpoint(const std::string& name) {
    const std::string source = ProjectPath("tests/models/golden/hf/" + name);
    const Status status = ImportHuggingFace(source, folder.path() + "/bundle", {});
    EXPECT_TRUE(status.ok()) << status.ToString();
    StatusOr<Bundle> opened = Bundle::Open(folder.path() + "/bundle");
    EXPECT_TRUE(opened.ok()) << opened.status().ToString();
    bundle.emplace(std::move(opened).value());
    StatusOr<SafetensorsFile> golden = SafetensorsFile::Open(source + "/golden.safetensors");
    EXPECT_TRUE(golden.ok()) << golden.status().ToString();
    for (int window = 0; window < 2; ++window) {
      const std::string suffix = "." + std::to_string(window);
      const TensorView& window_features = golden->tensors().at("features" + suffix);
      window_feature_frames.push_back(window_features.shape.at(0));
      const std::vector<float> values = window_features.ToFloat();
      feature_values.insert(feature_values.end(), values.begin(), values.end());
      samples.push_back(golden->tensors().at("samples" + suffix).ToFloat());
      for (const float x : golden->tensors().at("log_probs" + suffix).ToFloat()) nll.push_back(-x);
    }
  }
  FeatureView features() const {
    const int bins = FeatureBins(bundle->manifest().sizes);
    return {feature_values.data(), static_cast<int64_t>(feature_values.size()) / bins, bins};
  }

  TemporaryFolder folder;
  std::optional<Bundle> bundle;
  std::vector<std::vector<float>> samples;  ///< of each window
  std::vector<int64_t> window_feature_frames;
  std::vector<float> feature_values;  ///< of both windows
  std::vector<float> nll;             ///< of both windows
};

}  // namespace skald::test
