#include "models/architectures/encoder_batch_tables.h"

#include <algorithm>
#include <cstring>

namespace skald {

EncoderBatchLayout::EncoderBatchLayout(const EncoderBatchLimits& limits, int model_width)
    : limits_(limits), model_width_(model_width) {
  const auto place = [this](int64_t count) {
    const int64_t start = size;
    size += (count + 31) / 32 * 32;
    return start;
  };
  spaced_source = place(limits.max_spaced_rows());
  frame_source = place(limits.max_rows());
  position = place(limits.max_rows());
  pool_first = place(limits.max_rows());
  pool_second = place(limits.max_rows());
  for (AttentionTable& table : attention) {
    table.frames = place(limits.windows);
    table.input_offset = place(limits.windows + 1);
    table.output_offset = place(limits.windows + 1);
    table.blocks =
        place(limits.max_attention_blocks() * int64_t{sizeof(RaggedAttentionBlock) / sizeof(int32_t)});
  }
}

EncoderBatchLayout::Counts EncoderBatchLayout::Fill(std::span<const int64_t> window_feature_frames,
                                                    std::span<int32_t> table) const {
  Counts counts;
  std::fill(table.begin(), table.end(), 0);
  const auto put = [&table](int64_t place, int64_t value) {
    table[static_cast<size_t>(place)] = static_cast<int32_t>(value);
  };
  int64_t feature_row = 0, windows = 0;
  const auto add_attention = [&](int stage, int64_t frames) {
    const AttentionTable& attention_table = attention[stage];
    const int64_t first_row = counts.rows[stage];
    put(attention_table.frames + windows, frames);
    for (int64_t query = 0; query < frames; query += kRaggedAttentionQueries) {
      const RaggedAttentionBlock block{static_cast<int32_t>(first_row), static_cast<int32_t>(frames),
                                       static_cast<int32_t>(query)};
      constexpr int64_t kInts = sizeof block / sizeof(int32_t);
      std::memcpy(table.data() + attention_table.blocks + counts.blocks[stage]++ * kInts, &block,
                  sizeof block);
    }
    counts.rows[stage] += frames;
    put(attention_table.input_offset + windows + 1, counts.rows[stage] * 3 * model_width_);
    put(attention_table.output_offset + windows + 1, counts.rows[stage] * model_width_);
  };
  for (const int64_t feature_frames : window_feature_frames) {
    if (feature_frames == 0) continue;
    const int64_t start = counts.spaced_rows;
    const int64_t next = start + (feature_frames + 2) / 2 * 2;  // at least one row of zeros, and even
    for (int64_t row = start; row < next; ++row) {
      put(spaced_source + row, row - start < feature_frames ? feature_row + row - start : -1);
    }
    const int64_t frames = (feature_frames + 1) / 2, pooled = (frames + 1) / 2;
    const int64_t first_row = counts.rows[0];
    for (int64_t frame = 0; frame < frames; ++frame) {
      put(frame_source + first_row + frame, start / 2 + frame);
      put(position + first_row + frame, frame);
    }
    for (int64_t frame = 0; frame < pooled; ++frame) {
      put(pool_first + counts.rows[1] + frame, first_row + 2 * frame);
      put(pool_second + counts.rows[1] + frame, first_row + std::min(2 * frame + 1, frames - 1));
    }
    add_attention(0, frames);
    add_attention(1, pooled);
    ++windows;
    feature_row += feature_frames;
    counts.spaced_rows = next;
  }
  for (int64_t window = windows; window < limits_.windows; ++window) {
    for (int stage = 0; stage < 2; ++stage) {
      put(attention[stage].input_offset + window + 1, counts.rows[stage] * 3 * model_width_);
      put(attention[stage].output_offset + window + 1, counts.rows[stage] * model_width_);
    }
  }
  return counts;
}

}  // namespace skald
