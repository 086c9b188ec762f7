#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "models/layers/cpu/simd_kernels.h"
#include "models/layers/cpu/tile_team.h"
#include "models/layers/weights.h"

namespace skald {

/// x += GELU(convolution(x)) over the frames of each window of a packed batch, in f32 on the CPU: `groups`
/// groups of width / groups channels, output t sees inputs t - kernel / 2 to t - kernel / 2 + kernel - 1 of
/// its window, zeros outside. One group's inputs lie one frame after the other, so that a convolution is a
/// matrix product whose left rows overlap. A window's result does not depend on the others. Memory grows with
/// the largest batch seen and is kept.
class CpuGroupedConvolution {
 public:
  /// weights [width, kernel, width / groups].
  CpuGroupedConvolution(const AffineWeights& weights, int width, int kernel, int groups);

  /// x [sum of window_frames, width] in place.
  Status Run(std::span<const int64_t> window_frames, float* x, TileTeam* team);

 private:
  struct Task {
    int64_t input_row;  ///< of the first output's first tap
    int64_t row;        ///< first output
    int64_t rows;
    int group;
  };
  void RunTask(const Task& task, float* x) const;

  const SimdKernels& simd_;
  int64_t width_, kernel_, groups_;
  int64_t group_width_;
  int64_t column_blocks_;       ///< blocks of 64 columns that hold a group's outputs
  std::vector<float> weights_;  ///< [groups, column_blocks_, kernel * group_width_, 64]
  std::vector<float> bias_;     ///< [width]
  std::vector<float> inputs_;   ///< [groups, input rows, group_width_]: windows with zeros around
  int64_t input_rows_ = 0;      ///< rows of each group in this batch
  std::vector<Task> tasks_;
};

}  // namespace skald
