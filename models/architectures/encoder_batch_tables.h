#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "models/layers/cuda/attention_table.h"

namespace skald {

/// Sizes that bound a batch of the CUDA encoder.
struct EncoderBatchLimits {
  int64_t feature_frames = 0;
  int windows = 0;
  int64_t max_rows() const { return (feature_frames + windows) / 2 + 1; }
  int64_t max_spaced_rows() const { return feature_frames + 2 * int64_t{windows}; }
};

/// Row maps of one batch as one array of int32 that is copied to the device at once, at places fixed by the
/// limits. Windows lie spaced for the convolutions: each begins at an even row with at least one row of zeros
/// before it, so that stride 2 meets its first frame and no tap meets a neighbour.
class EncoderBatchLayout {
 public:
  EncoderBatchLayout(const EncoderBatchLimits& limits, int model_width);

  int64_t size = 0;           ///< of the table
  int64_t spaced_source = 0;  ///< [max_spaced_rows] feature row, or -1 in gaps
  int64_t frame_source = 0;   ///< [max_rows] row of the second convolution's output
  int64_t position = 0;       ///< [max_rows] frame in its window
  int64_t pool_first = 0;     ///< [max_rows] rows that become one by pooling
  int64_t pool_second = 0;
  std::array<AttentionTable, 2> attention;  ///< before and after pooling

  struct Counts {
    int64_t spaced_rows = 0;
    int64_t rows[2] = {0, 0};  ///< before and after pooling
  };
  /// Fills `table` [size] for windows within the limits; windows of 0 frames take no place.
  Counts Fill(std::span<const int64_t> window_feature_frames, std::span<int32_t> table);
  const EncoderBatchLimits& limits() const { return limits_; }

 private:
  EncoderBatchLimits limits_;
};

}  // namespace skald
