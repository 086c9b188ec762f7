#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/layers/cpu/simd_kernels.h"
#include "models/layers/cpu/worker_team.h"

namespace skald {

/// Full self-attention over the frames of each window of a packed batch, heads of 64 columns, on the CPU in
/// f32. Rows of queries, keys and values are first packed per head (Pack), then Run computes softmax(Q K^T) V
/// in blocks of queries that keep their scores in the second-level cache. A window's result does not depend
/// on the others. Memory grows with the largest batch seen and is kept. Not thread safe; the team's workers
/// share the object inside a call.
class CpuAttention {
 public:
  static constexpr int kHeadWidth = 64;

  CpuAttention(int heads, int workers);

  /// Starts a batch: `window_frames` [windows], frames of each window in packed order. Allocates where the
  /// batch is larger than any before.
  void Begin(std::span<const int64_t> window_frames);

  /// Copies `rows` packed rows of [query | key | value] (rows [rows, 3 * heads * 64], contiguous; queries
  /// already scaled) beginning at packed row `first_row` of the batch. Different rows may be packed
  /// concurrently.
  void Pack(int64_t first_row, int64_t rows, const float* query_key_value);

  /// output [sum of window_frames, heads * 64], contiguous.
  void Run(WorkerTeam* team, float* output);

 private:
  struct Task {
    int64_t window;
    int64_t first_query;
    int head;
  };
  void RunTask(int worker, const Task& task, float* output);

  const int heads_;
  const SimdKernels& simd_;
  std::vector<int64_t> window_start_;     ///< [windows + 1] packed row
  std::vector<int64_t> key_block_start_;  ///< [windows + 1] block of 64 keys
  std::vector<Task> tasks_;
  int64_t row_capacity_ = 0;        ///< rows of queries and values allocated for each head
  int64_t key_block_capacity_ = 0;  ///< blocks of keys allocated for each head
  std::vector<float> queries_;      ///< [heads, row_capacity_, 64]
  std::vector<float> keys_;         ///< [heads, key_block_capacity_, 64 columns, 64 keys]: transposed blocks
  std::vector<float> values_;       ///< [heads, row_capacity_, 64]
  struct Worker {
    std::vector<float> scores;  ///< [kQueryBlock, padded frames]
    std::vector<float> result;  ///< [kQueryBlock, 64]
    std::vector<float> inverse_sums;
  };
  std::vector<Worker> workers_;
};

}  // namespace skald
