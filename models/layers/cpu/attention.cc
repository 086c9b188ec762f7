#include "models/layers/cpu/attention.h"

#include <algorithm>

#include "base/check.h"

namespace skald {
namespace {

constexpr int64_t kKeyBlock = 64;
constexpr int64_t kValueBlock = 64;
constexpr int64_t kQueryGroup = 6;  ///< rows of SimdKernels::product_6x64
constexpr int64_t kQueryBlock = 8 * kQueryGroup;

int64_t RoundUp(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

/// Columns of position scores for a block of queries: a slanted band, cut at whole blocks of positions.
int64_t PositionColumns(int64_t frames) { return RoundUp(frames + kQueryBlock, kKeyBlock) + kKeyBlock; }

}  // namespace

CpuAttention::CpuAttention(int heads, int head_width, int workers)
    : heads_(heads),
      head_width_(head_width),
      value_blocks_(RoundUp(head_width, kValueBlock) / kValueBlock),
      simd_(CpuKernels()),
      workers_(static_cast<size_t>(workers)) {
  SKALD_CHECK(head_width % 16 == 0, "head_width is a multiple of 16");
}

void CpuAttention::Begin(std::span<const int64_t> window_frames, bool relative) {
  window_start_.assign(1, 0);
  key_block_start_.assign(1, 0);
  tasks_.clear();
  int64_t longest = 0;
  for (size_t window = 0; window < window_frames.size(); ++window) {
    const int64_t frames = window_frames[window];
    longest = std::max(longest, frames);
    window_start_.push_back(window_start_.back() + frames);
    key_block_start_.push_back(key_block_start_.back() + RoundUp(frames, kKeyBlock) / kKeyBlock);
    for (int head = 0; head < heads_; ++head) {
      for (int64_t query = 0; query < frames; query += kQueryBlock) {
        tasks_.push_back({static_cast<int64_t>(window), query, head});
      }
    }
  }
  // The last group of queries may read up to kQueryGroup - 1 rows past the batch.
  const int64_t rows = window_start_.back() + kQueryGroup;
  if (rows > row_capacity_) {
    row_capacity_ = rows;
    queries_.assign(static_cast<size_t>(heads_ * rows * head_width_), 0.0f);
    values_.assign(static_cast<size_t>(heads_ * value_blocks_ * rows * kValueBlock), 0.0f);
    position_queries_.clear();
  }
  if (relative && position_queries_.empty()) position_queries_.assign(queries_.size(), 0.0f);
  if (key_block_start_.back() > key_block_capacity_) {
    key_block_capacity_ = key_block_start_.back();
    keys_.assign(static_cast<size_t>(heads_ * key_block_capacity_ * head_width_ * kKeyBlock), 0.0f);
  }
  for (Worker& worker : workers_) {
    const auto grow = [](std::vector<float>* values, int64_t size) {
      if (values->size() < static_cast<size_t>(size)) values->resize(static_cast<size_t>(size));
    };
    grow(&worker.scores, kQueryBlock * RoundUp(longest, kKeyBlock));
    if (relative) grow(&worker.position_scores, kQueryBlock * PositionColumns(longest));
    grow(&worker.result, kQueryBlock * kValueBlock);
    grow(&worker.inverse_sums, kQueryBlock);
  }
}

void CpuAttention::Pack(int64_t first_row, int64_t rows, const float* query_key_value,
                        const RelativePositions* positions) {
  const int64_t model_width = heads_ * head_width_;
  auto window =
      std::upper_bound(window_start_.begin(), window_start_.end(), first_row) - window_start_.begin() - 1;
  for (int64_t done = 0; done < rows;) {
    while (window_start_[window + 1] <= first_row + done) ++window;
    const int64_t frame = first_row + done - window_start_[window];
    const int64_t place = frame % kKeyBlock;
    // Rows up to the end of the window or of its block of keys.
    const int64_t count =
        std::min({rows - done, window_start_[window + 1] - first_row - done, kKeyBlock - place});
    const int64_t block = key_block_start_[window] + frame / kKeyBlock;
    for (int head = 0; head < heads_; ++head) {
      const float* source = query_key_value + done * 3 * model_width + head * head_width_;
      const int64_t query_place = RowOf(head, first_row + done);
      float* key = keys_.data() + (head * key_block_capacity_ + block) * head_width_ * kKeyBlock + place;
      for (int64_t row = 0; row < count; ++row) {
        const float* query = source + row * 3 * model_width;
        float* target = queries_.data() + query_place + row * head_width_;
        std::copy_n(query, head_width_, target);
        if (positions != nullptr) {
          float* position_target = position_queries_.data() + query_place + row * head_width_;
          std::copy_n(query, head_width_, position_target);
          simd_.add(positions->content_bias.data() + head * head_width_, head_width_, target);
          simd_.add(positions->position_bias.data() + head * head_width_, head_width_, position_target);
        }
        for (int64_t column = 0; column < head_width_; column += kValueBlock) {
          const int64_t value_row =
              (head * value_blocks_ + column / kValueBlock) * row_capacity_ + first_row + done + row;
          std::copy_n(query + 2 * model_width + column, std::min(kValueBlock, head_width_ - column),
                      values_.data() + value_row * kValueBlock);
        }
      }
      simd_.transpose(source + model_width, count, 3 * model_width, head_width_, key, kKeyBlock);
    }
    done += count;
  }
}

void CpuAttention::Run(WorkerTeam* team, float* output, const RelativePositions* positions) {
  team->For(static_cast<int64_t>(tasks_.size()), [&](int worker, int64_t i) {
    RunTask(worker, tasks_[static_cast<size_t>(i)], output, positions);
  });
}

void CpuAttention::AddPositionScores(const Task& task, int64_t rows, const RelativePositions& positions,
                                     Worker* worker) const {
  const int64_t start = window_start_[task.window];
  const int64_t frames = window_start_[task.window + 1] - start;
  const int64_t padded = RoundUp(frames, kKeyBlock), pitch = PositionColumns(frames);
  // Query q and key k meet at column max_position - q + k.
  const int64_t first_column = positions.max_position - (task.first_query + rows - 1);
  const int64_t last_column = positions.max_position - task.first_query + frames - 1;
  const int64_t first_block = first_column / kKeyBlock, last_block = last_column / kKeyBlock;
  const float* queries = position_queries_.data() + RowOf(task.head, start + task.first_query);
  for (int64_t block = first_block; block <= last_block; ++block) {
    const float* keys =
        positions.keys.data() + (task.head * positions.blocks + block) * head_width_ * kKeyBlock;
    for (int64_t row = 0; row < rows; row += kQueryGroup) {
      simd_.product_6x64(queries + row * head_width_, head_width_, keys, head_width_,
                         worker->position_scores.data() + row * pitch + (block - first_block) * kKeyBlock,
                         pitch);
    }
  }
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t column = positions.max_position - (task.first_query + row) - first_block * kKeyBlock;
    simd_.add(worker->position_scores.data() + row * pitch + column, frames,
              worker->scores.data() + row * padded);
  }
}

void CpuAttention::RunTask(int worker_index, const Task& task, float* output,
                           const RelativePositions* positions) {
  Worker& worker = workers_[static_cast<size_t>(worker_index)];
  const int64_t start = window_start_[task.window];
  const int64_t frames = window_start_[task.window + 1] - start;
  const int64_t padded = RoundUp(frames, kKeyBlock);
  const int64_t rows = std::min(kQueryBlock, frames - task.first_query);
  const float* queries = queries_.data() + RowOf(task.head, start + task.first_query);
  const float* keys = keys_.data() + (task.head * key_block_capacity_ + key_block_start_[task.window]) *
                                         head_width_ * kKeyBlock;

  for (int64_t key = 0; key < frames; key += kKeyBlock, keys += head_width_ * kKeyBlock) {
    for (int64_t row = 0; row < rows; row += kQueryGroup) {
      simd_.product_6x64(queries + row * head_width_, head_width_, keys, head_width_,
                         worker.scores.data() + row * padded + key, padded);
    }
  }
  if (positions != nullptr) AddPositionScores(task, rows, *positions, &worker);
  simd_.exponentials(worker.scores.data(), rows, frames, frames, padded, worker.inverse_sums.data());
  const int64_t stride = heads_ * head_width_;
  for (int64_t block = 0; block < value_blocks_; ++block) {
    const float* values =
        values_.data() + ((task.head * value_blocks_ + block) * row_capacity_ + start) * kValueBlock;
    for (int64_t row = 0; row < rows; row += kQueryGroup) {
      simd_.product_6x64(worker.scores.data() + row * padded, padded, values, frames,
                         worker.result.data() + row * kValueBlock, kValueBlock);
    }
    const int64_t columns = std::min(kValueBlock, head_width_ - block * kValueBlock);
    for (int64_t row = 0; row < rows; ++row) {
      float* out =
          output + (start + task.first_query + row) * stride + task.head * head_width_ + block * kValueBlock;
      const float* result = worker.result.data() + row * kValueBlock;
      for (int64_t column = 0; column < columns; ++column)
        out[column] = result[column] * worker.inverse_sums[row];
    }
  }
}

}  // namespace skald
