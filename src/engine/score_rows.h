#pragma once

#include <cstdint>
#include <memory>
#include <span>
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

/// Scores of several heads of a model stand side by side in a row: the columns of one of them.
struct HeadColumns {
  int64_t first = 0;
  int64_t count = 0;
  ScoreScaling scaling;
};

/// Scores of consecutive frames, as a scorer hands them out. Copies and parts share the memory, which is
/// given back with the last of them. Reading from any thread.
struct ScoreRows {
  ScoreView nll;                     ///< [frames, units] scaled for the search; [device] where `on_device`
  const float* blank_nll = nullptr;  ///< [frames] on the host: column 0 in nats, not scaled, for endpointing;
                                     ///< of several heads it is the first one's
  bool on_device = false;
  std::shared_ptr<const void> owner;
  int device = 0;  ///< the device's number, where `on_device`

  int64_t frames() const { return nll.rows; }
  ScoreRows Rows(int64_t first, int64_t count) const {
    return {nll.Rows(first, count), blank_nll + first, on_device, owner, device};
  }
};

/// Scales the scores of each head and makes them shareable.
inline ScoreRows MakeHostScores(ScoreMatrix scores, std::span<const HeadColumns> heads) {
  struct Owner {
    ScoreMatrix nll;
    std::vector<float> blank_nll;
  };
  auto owner = std::make_shared<Owner>();
  owner->nll = std::move(scores);
  for (int64_t frame = 0; frame < owner->nll.frames; ++frame) {
    const std::span<float> row = owner->nll.mutable_view().Row(frame);
    owner->blank_nll.push_back(row[0]);
    for (const HeadColumns& head : heads) {
      const std::span<float> columns =
          row.subspan(static_cast<size_t>(head.first), static_cast<size_t>(head.count));
      columns[0] += head.scaling.blank_penalty;
      for (float& nll : columns) nll *= head.scaling.acoustic_scale;
    }
  }
  return {owner->nll.view(), owner->blank_nll.data(), false, owner};
}

/// The same for scores of one head.
inline ScoreRows MakeHostScores(ScoreMatrix scores, const ScoreScaling& scaling = {}) {
  const HeadColumns all{0, scores.units, scaling};
  return MakeHostScores(std::move(scores), std::span(&all, 1));
}

}  // namespace skald
