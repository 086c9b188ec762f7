#pragma once

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <span>
#include <string>
#include <vector>

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
