#include "models/layers/cuda/attention_table.h"

#include <cstring>

namespace skald {
namespace {

constexpr int64_t kBlockInts = sizeof(RaggedAttentionBlock) / sizeof(int32_t);

}  // namespace

int64_t PlaceInTable(int64_t count, int64_t* size) {
  const int64_t start = *size;
  *size += (count + 31) / 32 * 32;
  return start;
}

AttentionTable::AttentionTable(int max_windows, int64_t max_rows, int width, int64_t* size)
    : max_windows_(max_windows), width_(width) {
  frames = PlaceInTable(max_windows, size);
  input_offset = PlaceInTable(max_windows + 1, size);
  output_offset = PlaceInTable(max_windows + 1, size);
  blocks = PlaceInTable((max_rows / kRaggedAttentionQueries + max_windows) * kBlockInts, size);
}

void AttentionTable::Begin(std::span<int32_t> table) {
  table_ = table;
  windows_ = rows_ = block_count_ = 0;
}

void AttentionTable::Add(int64_t window_frames) {
  const auto put = [this](int64_t place, int64_t value) {
    table_[static_cast<size_t>(place)] = static_cast<int32_t>(value);
  };
  put(frames + windows_, window_frames);
  for (int64_t query = 0; query < window_frames; query += kRaggedAttentionQueries) {
    const RaggedAttentionBlock block{static_cast<int32_t>(rows_), static_cast<int32_t>(window_frames),
                                     static_cast<int32_t>(query)};
    std::memcpy(table_.data() + blocks + block_count_++ * kBlockInts, &block, sizeof block);
  }
  ++windows_;
  rows_ += window_frames;
  put(input_offset + windows_, rows_ * 3 * width_);
  put(output_offset + windows_, rows_ * width_);
}

void AttentionTable::End() {
  for (int64_t window = windows_ + 1; window <= max_windows_; ++window) {
    table_[static_cast<size_t>(input_offset + window)] = static_cast<int32_t>(rows_ * 3 * width_);
    table_[static_cast<size_t>(output_offset + window)] = static_cast<int32_t>(rows_ * width_);
  }
}

}  // namespace skald
