#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "engine/scorer.h"

namespace skald::test {

/// Scores without a network: a frame of 320 samples whose mean is above 0.25 is unit 1, below -0.25 unit 2,
/// else blank.
class FakeScorer : public Scorer {
 public:
  /// Called before every batch; a failure is returned from Score.
  using Before = std::function<Status(std::span<const WindowInput>)>;

  explicit FakeScorer(Before before = {}) : before_(std::move(before)) {
    shape_.units = 3;
    shape_.frame_shift_s = 0.02;
    shape_.frame_shift_samples = 320;
    shape_.max_window_s = 30;
    shape_.precision = "f32";
  }

  const ScorerShape& shape() const override { return shape_; }

  Status Score(std::span<const WindowInput> windows, std::vector<ScoreRows>* scores,
               ScorerTiming* timing) override {
    if (before_) SKALD_RETURN_IF_ERROR(before_(windows));
    timing->model_s += 0.001;
    scores->clear();
    for (const PcmView window : windows) {
      ScoreMatrix matrix(static_cast<int64_t>((window.size() + 319) / 320), 3);
      for (int64_t frame = 0; frame < matrix.frames; ++frame) {
        const PcmView samples = window.subspan(static_cast<size_t>(frame) * 320);
        double sum = 0;
        for (size_t i = 0; i < std::min<size_t>(320, samples.size()); ++i) sum += samples[i];
        const int64_t unit = sum > 80 ? 1 : sum < -80 ? 2 : 0;
        for (int64_t u = 0; u < 3; ++u) matrix.mutable_view()(frame, u) = u == unit ? 0.01f : 5.3f;
      }
      scores->push_back(MakeHostScores(std::move(matrix)));
    }
    return Status::Ok();
  }

 protected:
  ScorerShape shape_;

 private:
  Before before_;
};

}  // namespace skald::test
