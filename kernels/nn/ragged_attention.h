#pragma once

#include <cstdint>

#include "base/cuda/device_context.h"
#include "base/status.h"

namespace skald {

/// Queries that one thread block of LaunchRaggedAttention computes.
inline constexpr int kRaggedAttentionQueries = 32;

/// One block's work: up to kRaggedAttentionQueries queries of a window. Made on the host.
struct RaggedAttentionBlock {
  int32_t first_row;    ///< of the window, in the packed batch
  int32_t frames;       ///< of the window
  int32_t first_query;  ///< in the window
};

/// Full self-attention in f32 over packed windows, heads of 64 columns, by the online softmax (Milakov and
/// Gimelshein 2018): output row [heads * 64] = softmax(Q K^T) V, queries already scaled. query_key_value
/// [rows, 3 * heads * 64], output [rows, heads * 64], blocks [block_count] on the device. The f32 counterpart
/// of cuDNN's attention, which has f16 and bf16 only. Deterministic; a window's result has the same bits
/// whatever is beside it.
Status LaunchRaggedAttention(DeviceContext context, const float* query_key_value, int heads,
                             const RaggedAttentionBlock* blocks, int64_t block_count, float* output);

}  // namespace skald
