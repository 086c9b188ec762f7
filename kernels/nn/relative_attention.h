#pragma once

#include <cstdint>

#include "base/cuda/device_context.h"
#include "base/status.h"
#include "kernels/nn/element_type.h"
#include "kernels/nn/ragged_attention.h"

namespace skald {

/// Most columns of a head of LaunchRelativeAttention.
inline constexpr int kRelativeAttentionMaxWidth = 128;

/// What LaunchRelativeAttention reads beside the blocks. Pointers are to device memory.
struct RelativeAttention {
  const void* query_key_value = nullptr;  ///< [rows, 3 * heads * head_width] of `type`, queries scaled
  int heads = 0;
  int head_width = 0;  ///< at most kRelativeAttentionMaxWidth
  /// Relative positions (models/layers/cpu/attention.h, RelativePositions); all null: none.
  const float* content_bias = nullptr;   ///< [heads * head_width]
  const float* position_bias = nullptr;  ///< [heads * head_width]
  const void* position_keys =
      nullptr;  ///< [2 * max_position + 1, heads * head_width] of `type`: row r is max_position - r
  int64_t max_position = 0;
  ElementType type = ElementType::kF32;
};

/// Full self-attention over packed windows by the online softmax, sums in f32: output row [heads *
/// head_width] of `type` = softmax((q + content_bias) K^T + (q + position_bias) R^T) V. One pass over keys:
/// scores are never stored. blocks [block_count] as of LaunchRaggedAttention, on the device. Deterministic; a
/// window's result has the same bits whatever is beside it.
Status LaunchRelativeAttention(DeviceContext context, const RelativeAttention& attention,
                               const RaggedAttentionBlock* blocks, int64_t block_count, void* output);

}  // namespace skald
