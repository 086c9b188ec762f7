#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/view.h"

namespace skald {

/// Owned scores [frames, units] on the host, row-major.
struct ScoreMatrix {
  int64_t frames = 0;
  int64_t units = 0;
  std::vector<float> nll;

  ScoreMatrix() = default;
  ScoreMatrix(int64_t frames_in, int64_t units_in)
      : frames(frames_in), units(units_in), nll(static_cast<size_t>(frames_in * units_in)) {}
  ScoreView view() const { return {nll.data(), frames, units}; }
  MatrixView<float> mutable_view() { return {nll.data(), frames, units}; }
};

/// From nll of the model to what the search adds: nll' = acoustic_scale * (nll + penalty), the penalty for
/// the blank column only. CPU and device compute it in f32 in this order.
struct ScoreScaling {
  float acoustic_scale = 1;
  float blank_penalty = 0;  ///< nats
};

/// Scores of consecutive frames, as a scorer hands them out. Copies and parts share the memory, which is
/// given back with the last of them. Reading from any thread.
struct ScoreRows {
  ScoreView nll;                     ///< [frames, units] scaled for the search; [device] where `on_device`
  const float* blank_nll = nullptr;  ///< [frames] on the host: column 0 in nats, not scaled, for endpointing
  bool on_device = false;
  std::shared_ptr<const void> owner;

  int64_t frames() const { return nll.rows; }
  ScoreRows Rows(int64_t first, int64_t count) const {
    return {nll.Rows(first, count), blank_nll + first, on_device, owner};
  }
};

/// Scales scores and makes them shareable.
inline ScoreRows MakeHostScores(ScoreMatrix scores, const ScoreScaling& scaling = {}) {
  struct Owner {
    ScoreMatrix nll;
    std::vector<float> blank_nll;
  };
  auto owner = std::make_shared<Owner>();
  owner->nll = std::move(scores);
  for (int64_t frame = 0; frame < owner->nll.frames; ++frame) {
    const std::span<float> row = owner->nll.mutable_view().Row(frame);
    owner->blank_nll.push_back(row[0]);
    row[0] += scaling.blank_penalty;
    for (float& nll : row) nll *= scaling.acoustic_scale;
  }
  return {owner->nll.view(), owner->blank_nll.data(), false, owner};
}

}  // namespace skald
