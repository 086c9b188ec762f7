#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/nn/ragged_attention.h"

namespace skald {

/// Sizes that bound a batch of the CUDA encoder.
struct EncoderBatchLimits {
  int64_t feature_frames = 0;
  int windows = 0;
  int64_t max_rows() const { return (feature_frames + windows) / 2 + 1; }
  int64_t max_spaced_rows() const { return feature_frames + 2 * int64_t{windows}; }
  int64_t max_attention_blocks() const { return max_rows() / kRaggedAttentionQueries + windows; }
};

/// Where attention finds the windows of a batch; offsets in int32 elements of the table.
struct AttentionTable {
  int64_t frames = 0;         ///< [windows]
  int64_t input_offset = 0;   ///< [windows + 1] first row * 3 * model_width
  int64_t output_offset = 0;  ///< [windows + 1] first row * model_width
  int64_t blocks = 0;         ///< [block_count] RaggedAttentionBlock
};

/// Row maps of one batch as one array of int32 that is copied to the device at once, at places fixed by the
/// limits. Windows lie spaced for the convolutions: each begins at an even row with at least one row of zeros
/// before it, so that stride 2 meets its first frame and no tap meets a neighbour.
class EncoderBatchLayout {
 public:
  EncoderBatchLayout(const EncoderBatchLimits& limits, int model_width);

  int64_t spaced_source = 0;  ///< [max_spaced_rows] feature row, or -1 in gaps
  int64_t frame_source = 0;   ///< [max_rows] row of the second convolution's output
  int64_t position = 0;       ///< [max_rows] frame in its window
  int64_t pool_first = 0;     ///< [max_rows] rows that become one by pooling
  int64_t pool_second = 0;
  AttentionTable attention[2];  ///< before and after pooling
  int64_t size = 0;

  struct Counts {
    int64_t spaced_rows = 0;
    int64_t rows[2] = {0, 0};  ///< before and after pooling
    int64_t blocks[2] = {0, 0};
  };
  /// Fills `table` [size] for windows within the limits; windows of 0 frames take no place.
  Counts Fill(std::span<const int64_t> window_feature_frames, std::span<int32_t> table) const;

 private:
  EncoderBatchLimits limits_;
  int model_width_;
};

}  // namespace skald
