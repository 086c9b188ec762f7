#include "models/layers/cpu/grouped_convolution.h"

#include <algorithm>

namespace skald {
namespace {

constexpr int64_t kColumns = 64;  ///< of SimdKernels::product_6x64
constexpr int64_t kRows = 6;
constexpr int64_t kTaskRows = 8 * kRows;
/// Rows of weights that stay in the second-level cache while all rows of a task meet them.
constexpr int64_t kDepthBlock = 1024;

}  // namespace

CpuGroupedConvolution::CpuGroupedConvolution(const AffineWeights& weights, int width, int kernel, int groups)
    : simd_(CpuKernels()),
      width_(width),
      kernel_(kernel),
      groups_(groups),
      group_width_(width / groups),
      column_blocks_((group_width_ + kColumns - 1) / kColumns),
      bias_(weights.bias) {
  const int64_t depth = kernel_ * group_width_;
  weights_.assign(static_cast<size_t>(groups_ * column_blocks_ * depth * kColumns), 0.0f);
  for (int64_t output = 0; output < width_; ++output) {
    const int64_t group = output / group_width_, column = output % group_width_;
    float* block = weights_.data() + (group * column_blocks_ + column / kColumns) * depth * kColumns;
    for (int64_t i = 0; i < depth; ++i) {
      block[i * kColumns + column % kColumns] = weights.weight[static_cast<size_t>(output * depth + i)];
    }
  }
}

Status CpuGroupedConvolution::Run(std::span<const int64_t> window_frames, float* x, TileTeam* team) {
  tasks_.clear();
  struct Copy {
    int64_t row, input_row, frames;
  };
  std::vector<Copy> copies;
  int64_t row = 0, input_row = 0;
  for (const int64_t frames : window_frames) {
    if (frames == 0) continue;
    copies.push_back({row, input_row + kernel_ / 2, frames});
    for (int64_t first = 0; first < frames; first += kTaskRows) {
      for (int group = 0; group < groups_; ++group) {
        tasks_.push_back({input_row + first, row + first, std::min(kTaskRows, frames - first), group});
      }
    }
    row += frames;
    input_row += frames + kernel_;
  }
  input_rows_ = input_row + kTaskRows;  // a product of 6 rows may read past the last
  const auto size = static_cast<size_t>(groups_ * input_rows_ * group_width_);
  inputs_.resize(std::max(inputs_.size(), size));
  SKALD_RETURN_IF_ERROR(team->For(groups_, [&](int, TileScratch*, int64_t group) {
    float* target = inputs_.data() + group * input_rows_ * group_width_;
    std::fill_n(target, input_rows_ * group_width_, 0.0f);
    for (const Copy& copy : copies) {
      for (int64_t frame = 0; frame < copy.frames; ++frame) {
        std::copy_n(x + (copy.row + frame) * width_ + group * group_width_, group_width_,
                    target + (copy.input_row + frame) * group_width_);
      }
    }
    return Status::Ok();
  }));
  return team->For(static_cast<int64_t>(tasks_.size()), [&](int, TileScratch*, int64_t i) {
    RunTask(tasks_[static_cast<size_t>(i)], x);
    return Status::Ok();
  });
}

void CpuGroupedConvolution::RunTask(const Task& task, float* x) const {
  const int64_t depth = kernel_ * group_width_;
  const float* input = inputs_.data() + (task.group * input_rows_ + task.input_row) * group_width_;
  for (int64_t block = 0; block < column_blocks_; ++block) {
    const float* weights = weights_.data() + (task.group * column_blocks_ + block) * depth * kColumns;
    float sums[kTaskRows * kColumns] = {};
    for (int64_t at = 0; at < depth; at += kDepthBlock) {
      for (int64_t row = 0; row < task.rows; row += kRows) {
        float products[kRows * kColumns];
        simd_.product_6x64(input + row * group_width_ + at, group_width_, weights + at * kColumns,
                           std::min(kDepthBlock, depth - at), products, kColumns);
        simd_.add(products, kRows * kColumns, sums + row * kColumns);
      }
    }
    const int64_t columns = std::min(kColumns, group_width_ - block * kColumns);
    const int64_t first_column = task.group * group_width_ + block * kColumns;
    for (int64_t row = 0; row < task.rows; ++row) {
      float* values = sums + row * kColumns;
      simd_.add(bias_.data() + first_column, columns, values);
      simd_.gelu(values, columns);
      simd_.add(values, columns, x + (task.row + row) * width_ + first_column);
    }
  }
}

}  // namespace skald
