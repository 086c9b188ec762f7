#include "models/layers/cpu/attention.h"

#include <algorithm>

namespace skald {
namespace {

constexpr int64_t kKeyBlock = 64;
constexpr int64_t kQueryGroup = 6;  ///< rows of SimdKernels::product_6x64
constexpr int64_t kQueryBlock = 8 * kQueryGroup;
constexpr int64_t kWidth = CpuAttention::kHeadWidth;

int64_t RoundUp(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

}  // namespace

CpuAttention::CpuAttention(int heads, int workers)
    : heads_(heads), simd_(CpuKernels()), workers_(static_cast<size_t>(workers)) {}

void CpuAttention::Begin(std::span<const int64_t> window_frames) {
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
    queries_.assign(static_cast<size_t>(heads_ * rows * kWidth), 0.0f);
    values_.assign(static_cast<size_t>(heads_ * rows * kWidth), 0.0f);
  }
  if (key_block_start_.back() > key_block_capacity_) {
    key_block_capacity_ = key_block_start_.back();
    keys_.assign(static_cast<size_t>(heads_ * key_block_capacity_ * kWidth * kKeyBlock), 0.0f);
  }
  for (Worker& worker : workers_) {
    const auto scores = static_cast<size_t>(kQueryBlock * RoundUp(longest, kKeyBlock));
    if (worker.scores.size() < scores) worker.scores.resize(scores);
    worker.result.resize(kQueryBlock * kWidth);
    worker.inverse_sums.resize(kQueryBlock);
  }
}

void CpuAttention::Pack(int64_t first_row, int64_t rows, const float* query_key_value) {
  const int64_t model_width = heads_ * kWidth;
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
      const float* source = query_key_value + done * 3 * model_width + head * kWidth;
      float* query = queries_.data() + (head * row_capacity_ + first_row + done) * kWidth;
      float* value = values_.data() + (head * row_capacity_ + first_row + done) * kWidth;
      float* key = keys_.data() + (head * key_block_capacity_ + block) * kWidth * kKeyBlock + place;
      for (int64_t row = 0; row < count; ++row) {
        std::copy_n(source + row * 3 * model_width, kWidth, query + row * kWidth);
        std::copy_n(source + row * 3 * model_width + 2 * model_width, kWidth, value + row * kWidth);
      }
      simd_.transpose(source + model_width, count, 3 * model_width, kWidth, key, kKeyBlock);
    }
    done += count;
  }
}

void CpuAttention::Run(WorkerTeam* team, float* output) {
  team->For(static_cast<int64_t>(tasks_.size()),
            [&](int worker, int64_t i) { RunTask(worker, tasks_[static_cast<size_t>(i)], output); });
}

void CpuAttention::RunTask(int worker_index, const Task& task, float* output) {
  Worker& worker = workers_[static_cast<size_t>(worker_index)];
  const int64_t start = window_start_[task.window];
  const int64_t frames = window_start_[task.window + 1] - start;
  const int64_t padded = RoundUp(frames, kKeyBlock);
  const int64_t rows = std::min(kQueryBlock, frames - task.first_query);
  const float* queries = queries_.data() + (task.head * row_capacity_ + start + task.first_query) * kWidth;
  const float* values = values_.data() + (task.head * row_capacity_ + start) * kWidth;
  const float* keys =
      keys_.data() + (task.head * key_block_capacity_ + key_block_start_[task.window]) * kWidth * kKeyBlock;

  for (int64_t key = 0; key < frames; key += kKeyBlock, keys += kWidth * kKeyBlock) {
    for (int64_t row = 0; row < rows; row += kQueryGroup) {
      simd_.product_6x64(queries + row * kWidth, kWidth, keys, kWidth,
                         worker.scores.data() + row * padded + key, padded);
    }
  }
  simd_.exponentials(worker.scores.data(), rows, frames, frames, padded, worker.inverse_sums.data());
  for (int64_t row = 0; row < rows; row += kQueryGroup) {
    simd_.product_6x64(worker.scores.data() + row * padded, padded, values, frames,
                       worker.result.data() + row * kWidth, kWidth);
  }
  const int64_t stride = heads_ * kWidth;
  for (int64_t row = 0; row < rows; ++row) {
    float* out = output + (start + task.first_query + row) * stride + task.head * kWidth;
    const float* result = worker.result.data() + row * kWidth;
    for (int64_t column = 0; column < kWidth; ++column)
      out[column] = result[column] * worker.inverse_sums[row];
  }
}

}  // namespace skald
