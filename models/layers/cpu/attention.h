#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/layers/cpu/simd_kernels.h"
#include "models/layers/cpu/worker_team.h"

namespace skald {

/// What relative positions add to attention scores (Dai et al. 2019, "Transformer-XL", section 3.3): the
/// score of query q and key k is (q + content_bias) k + (q + position_bias) r(place of q - place of k).
struct RelativePositions {
  std::vector<float> content_bias;   ///< [heads * head_width], scaled like the queries
  std::vector<float> position_bias;  ///< [heads * head_width], scaled like the queries
  /// r in blocks of 64 positions, transposed: [heads, blocks, head_width, 64]. Column c of all blocks is
  /// position max_position - c.
  std::vector<float> keys;
  int64_t blocks = 0;
  int64_t max_position = 0;  ///< frames of the longest window, less one
};

/// Full self-attention over the frames of each window of a packed batch on the CPU in f32, with relative
/// positions where they are given. Rows of queries, keys and values are first packed per head (Pack), then
/// Run computes softmax(Q K^T) V in blocks of queries that keep their scores in the second-level cache. A
/// window's result does not depend on the others. Memory grows with the largest batch seen and is kept. Not
/// thread safe; the team's workers share the object inside a call.
class CpuAttention {
 public:
  /// `head_width` is a multiple of 16.
  CpuAttention(int heads, int head_width, int workers);

  /// Starts a batch: `window_frames` [windows], frames of each window in packed order. Allocates where the
  /// batch is larger than any before.
  void Begin(std::span<const int64_t> window_frames, bool relative = false);

  /// Copies `rows` packed rows of [query | key | value] (rows [rows, 3 * heads * head_width], contiguous;
  /// queries already scaled) beginning at packed row `first_row` of the batch. Different rows may be packed
  /// concurrently. `positions` null: none, and so in Run.
  void Pack(int64_t first_row, int64_t rows, const float* query_key_value,
            const RelativePositions* positions = nullptr);

  /// output [sum of window_frames, heads * head_width], contiguous.
  void Run(WorkerTeam* team, float* output, const RelativePositions* positions = nullptr);

 private:
  struct Task {
    int64_t window;
    int64_t first_query;
    int head;
  };
  struct Worker {
    std::vector<float> scores;           ///< [kQueryBlock, padded frames]
    std::vector<float> position_scores;  ///< [kQueryBlock, padded frames + two blocks]
    std::vector<float> result;           ///< [kQueryBlock, 64]
    std::vector<float> inverse_sums;
  };
  void RunTask(int worker, const Task& task, float* output, const RelativePositions* positions);
  void AddPositionScores(const Task& task, int64_t rows, const RelativePositions& positions,
                         Worker* worker) const;
  /// First row of a window in an array [heads, row_capacity_, head_width].
  int64_t RowOf(int head, int64_t row) const { return (head * row_capacity_ + row) * head_width_; }

  const int heads_;
  const int64_t head_width_;
  const int64_t value_blocks_;  ///< blocks of 64 columns that hold a head's values
  const SimdKernels& simd_;
  std::vector<int64_t> window_start_;     ///< [windows + 1] packed row
  std::vector<int64_t> key_block_start_;  ///< [windows + 1] block of 64 keys
  std::vector<Task> tasks_;
  int64_t row_capacity_ = 0;             ///< rows of queries and values allocated for each head
  int64_t key_block_capacity_ = 0;       ///< blocks of keys allocated for each head
  std::vector<float> queries_;           ///< [heads, row_capacity_, head_width]
  std::vector<float> position_queries_;  ///< the same for relative positions
  std::vector<float> keys_;    ///< [heads, key_block_capacity_, head_width, 64 keys]: transposed blocks
  std::vector<float> values_;  ///< [heads, value_blocks_, row_capacity_, 64]
  std::vector<Worker> workers_;
};

}  // namespace skald
