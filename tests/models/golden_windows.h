#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/view.h"
#include "models/acoustic_model.h"
#include "support/npy.h"
#include "support/test_environment.h"

namespace skald::test {

/// A window of models/en-base/golden: features and the scores of an independent forward pass (golden.py
/// beside it).
struct GoldenWindow {
  std::vector<float> feature_values;  ///< [feature_frames, 80]
  int64_t feature_frames = 0;
  std::vector<std::vector<float>> nll;  ///< per head [frames, units]
  FeatureView features() const { return {feature_values.data(), feature_frames, 80}; }
};

inline GoldenWindow LoadGoldenWindow(const std::string& name, const std::vector<std::string>& heads) {
  const std::string prefix = ProjectPath("models/en-base/golden/" + name);
  StatusOr<NpyArray> mel = ReadNpy(prefix + ".mel.npy");
  EXPECT_TRUE(mel.ok()) << mel.status().ToString();
  GoldenWindow window;
  const int64_t bins = mel->shape.at(0);
  window.feature_frames = mel->shape.at(1);
  for (int64_t frame = 0; frame < window.feature_frames; ++frame) {
    for (int64_t bin = 0; bin < bins; ++bin) {
      window.feature_values.push_back(mel->values[static_cast<size_t>(bin * window.feature_frames + frame)]);
    }
  }
  for (const std::string& head : heads) {
    StatusOr<NpyArray> scores = ReadNpy(prefix + ".logprobs_" + head + ".npy");
    EXPECT_TRUE(scores.ok()) << scores.status().ToString();
    for (float& x : scores->values) x = -x;
    window.nll.push_back(std::move(scores->values));
  }
  return window;
}

/// en-base in a temporary folder as if its config asked for pooling after layer 2
/// (golden/make_pooled_golden.py).
class PooledBundleFolder {
 public:
  PooledBundleFolder() {
    const std::filesystem::path source = ProjectPath("models/en-base");
    std::string text = *ReadFile((source / "bundle.json").string());
    const auto replace = [&text](const std::string& from, const std::string& to) {
      const size_t at = text.find(from);
      ASSERT_NE(at, std::string::npos) << from;
      text.replace(at, from.size(), to);
    };
    replace("\"layers\": 6", "\"layers\": 6, \"pool_after_layer\": 2");
    replace("\"frame_shift_s\": 0.02", "\"frame_shift_s\": 0.04");
    EXPECT_TRUE(WriteFileAtomically(folder_ / "bundle.json", text).ok());
    for (const auto& entry : std::filesystem::directory_iterator(source)) {
      if (entry.is_regular_file() && entry.path().filename() != "bundle.json") {
        std::filesystem::create_symlink(entry.path(), folder_ / entry.path().filename().string());
      }
    }
  }
  StatusOr<Bundle> Open() const { return Bundle::Open(folder_.path()); }

 private:
  TemporaryFolder folder_;
};

/// Scores of the char head with pooling [frames, 29], as nll.
inline std::vector<float> LoadPooledScores(const std::string& name) {
  StatusOr<NpyArray> scores =
      ReadNpy(ProjectPath("tests/models/golden/" + name + ".pool2.logprobs_char.npy"));
  EXPECT_TRUE(scores.ok()) << scores.status().ToString();
  for (float& x : scores->values) x = -x;
  return std::move(scores->values);
}

/// Host memory for the scores of a batch, one matrix for each head of the model.
class ScoreBuffers {
 public:
  template <typename Model>
  ScoreBuffers(const Model& model, std::vector<int64_t> windows) : windows_(std::move(windows)) {
    int64_t frames = 0;
    for (const int64_t window : windows_) {
      frames += model.ScoreFrames(window);
      feature_frames_ += window;
    }
    for (size_t head = 0; head < model.heads().size(); ++head) {
      values_.emplace_back(static_cast<size_t>(frames * model.Units(head)), std::nanf(""));
    }
    for (size_t head = 0; head < model.heads().size(); ++head) {
      views_.push_back({values_[head].data(), frames, model.Units(head)});
    }
  }
  std::span<const int64_t> window_feature_frames() const { return windows_; }
  std::span<const MatrixView<float>> views() const { return views_; }
  const std::vector<float>& values(size_t head) const { return values_[head]; }
  std::vector<float>& values(size_t head) { return values_[head]; }
  int64_t feature_frames() const { return feature_frames_; }

 private:
  std::vector<int64_t> windows_;
  int64_t feature_frames_ = 0;
  std::vector<std::vector<float>> values_;
  std::vector<MatrixView<float>> views_;
};

inline bool SameBits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](float x, float y) {
           return std::bit_cast<uint32_t>(x) == std::bit_cast<uint32_t>(y);
         });
}

/// The scores of `head` for `count` frames from packed row `first` on.
inline std::span<const float> ScoreRows(const ScoreBuffers& scores, size_t head, int64_t first,
                                        int64_t count) {
  const auto units = static_cast<size_t>(scores.views()[head].columns);
  return std::span(scores.values(head))
      .subspan(static_cast<size_t>(first) * units, static_cast<size_t>(count) * units);
}

inline double LargestDifference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(double{a[i]} - double{b[i]});
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

inline double MeanDifference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size() || a.empty()) return INFINITY;
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::abs(double{a[i]} - double{b[i]});
  return sum / static_cast<double>(a.size());
}

}  // namespace skald::test
