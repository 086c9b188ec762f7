#pragma once

#include <cstdint>
#include <span>

#include "kernels/nn/ragged_attention.h"

namespace skald {

/// Where attention finds the windows of a batch; offsets in int32 elements of a table that is filled for each
/// batch.
class AttentionTable {
 public:
  /// Takes its place in a table of `*size`, for batches of up to `max_windows` windows and `max_rows` rows of
  /// `width`.
  AttentionTable(int max_windows, int64_t max_rows, int width, int64_t* size);

  /// Starts a batch. `table` is the whole table, zeroed.
  void Begin(std::span<int32_t> table);
  /// Adds a window of at least one frame behind those before.
  void Add(int64_t frames);
  /// Fills what lies behind the last window.
  void End();

  int64_t rows() const { return rows_; }
  int64_t block_count() const { return block_count_; }

  int64_t frames = 0;         ///< [windows]
  int64_t input_offset = 0;   ///< [windows + 1] first row * 3 * width
  int64_t output_offset = 0;  ///< [windows + 1] first row * width
  int64_t blocks = 0;         ///< [block_count] RaggedAttentionBlock

 private:
  int max_windows_;
  int64_t width_;
  std::span<int32_t> table_;
  int64_t windows_ = 0, rows_ = 0, block_count_ = 0;
};

/// Reserves `count` int32 of a table of `*size`, aligned; returns their place.
int64_t PlaceInTable(int64_t count, int64_t* size);

}  // namespace skald
