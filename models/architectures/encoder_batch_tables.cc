#include "models/architectures/encoder_batch_tables.h"

#include <algorithm>

namespace skald {

EncoderBatchLayout::EncoderBatchLayout(const EncoderBatchLimits& limits, int model_width)
    : spaced_source(PlaceInTable(limits.max_spaced_rows(), &size)),
      frame_source(PlaceInTable(limits.max_rows(), &size)),
      position(PlaceInTable(limits.max_rows(), &size)),
      pool_first(PlaceInTable(limits.max_rows(), &size)),
      pool_second(PlaceInTable(limits.max_rows(), &size)),
      attention{AttentionTable(limits.windows, limits.max_rows(), model_width, &size),
                AttentionTable(limits.windows, limits.max_rows(), model_width, &size)},
      limits_(limits) {}

EncoderBatchLayout::Counts EncoderBatchLayout::Fill(std::span<const int64_t> window_feature_frames,
                                                    std::span<int32_t> table) {
  Counts counts;
  std::fill(table.begin(), table.end(), 0);
  const auto put = [&table](int64_t place, int64_t value) {
    table[static_cast<size_t>(place)] = static_cast<int32_t>(value);
  };
  for (AttentionTable& windows : attention) windows.Begin(table);
  int64_t feature_row = 0;
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
    attention[0].Add(frames);
    attention[1].Add(pooled);
    for (int stage = 0; stage < 2; ++stage) counts.rows[stage] = attention[static_cast<size_t>(stage)].rows();
    feature_row += feature_frames;
    counts.spaced_rows = next;
  }
  for (AttentionTable& windows : attention) windows.End();
  return counts;
}

}  // namespace skald
