#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/view.h"
#include "models/layers/cpu/linear.h"
#include "models/layers/cpu/tile_team.h"
#include "models/layers/weights.h"

namespace skald {

/// Linear CTC heads in f32: -log softmax(linear(norm(x))).
class CpuCtcHeads {
 public:
  /// Adds a head over inputs of `width`; `team` outlives the object and is prepared for it.
  Status Add(const AffineWeights& weights, int width, TileTeam* team);

  /// x [padded rows, width]; `norm` null: none. nll_per_head as AcousticModel::Run.
  Status Run(const float* x, int64_t rows, const NormWeights* norm, double epsilon,
             std::span<const MatrixView<float>> nll_per_head, TileTeam* team);

 private:
  int width_ = 0;
  std::vector<CpuLinear> heads_;
};

}  // namespace skald
