#include "base/check.h"
#include "kernels/nn/element.cuh"
#include "kernels/nn/online_softmax.cuh"
#include "kernels/nn/relative_attention.h"

namespace skald {
namespace {

constexpr int kQueries = 16;  // of one thread block; two blocks share a descriptor
constexpr int kBlocksPerDescriptor = kRaggedAttentionQueries / kQueries;
constexpr int kKeys = 16;                         // in shared memory at a time
constexpr int kPositions = kQueries + kKeys - 1;  // that a tile of queries and keys meets
constexpr int kLanes = 8;                         // neighbours in a warp share a query's keys and columns
constexpr int kThreads = kQueries * kLanes;
constexpr int kKeysPerLane = kKeys / kLanes;

/// Rows of `width` columns to shared memory, zeros for rows outside [0, end) and columns up to kWidth.
template <int kWidth, typename T>
__device__ void LoadRows(const T* source, int64_t stride, int64_t first, int64_t end, int rows, int width,
                         float (*target)[kWidth + 1]) {
  for (int i = static_cast<int>(threadIdx.x); i < rows * kWidth; i += kThreads) {
    const int64_t row = first + i / kWidth;
    const int column = i % kWidth;
    const bool inside = row >= 0 && row < end && column < width;
    target[i / kWidth][column] = inside ? ToFloat(source[row * stride + column]) : 0.0f;
  }
}

template <int kWidth, bool kRelative, typename T>
__global__ void __launch_bounds__(kThreads)
    RelativeAttentionKernel(const RelativeAttention attention, const RaggedAttentionBlock* blocks,
                            T* output) {
  constexpr int kColumnsPerLane = kWidth / kLanes;
  constexpr int kSharedPositions = kRelative ? kPositions : kKeys;
  __shared__ float queries[kQueries][kWidth + 1];
  __shared__ float position_queries[kRelative ? kQueries : 1][kWidth + 1];
  __shared__ float keys[kKeys][kWidth + 1];
  __shared__ float others[kSharedPositions][kWidth + 1];  // positions, then values
  __shared__ float weights[kQueries][kKeys + 1];

  RaggedAttentionBlock block = blocks[blockIdx.x / kBlocksPerDescriptor];
  block.first_query += static_cast<int>(blockIdx.x % kBlocksPerDescriptor) * kQueries;
  if (block.first_query >= block.frames) return;
  const int width = attention.head_width, head_column = static_cast<int>(blockIdx.y) * width;
  const int64_t model_width = int64_t{attention.heads} * width, stride = 3 * model_width;
  const T* window = static_cast<const T*>(attention.query_key_value) + block.first_row * stride + head_column;
  const T* position_keys = static_cast<const T*>(attention.position_keys) + head_column;
  const int query = static_cast<int>(threadIdx.x) / kLanes, lane = static_cast<int>(threadIdx.x) % kLanes;

  LoadRows<kWidth>(window, stride, block.first_query, block.frames, kQueries, width, queries);
  if constexpr (kRelative) {
    __syncthreads();
    for (int i = static_cast<int>(threadIdx.x); i < kQueries * kWidth; i += kThreads) {
      const int column = i % kWidth;
      const float q = queries[i / kWidth][column];
      const bool inside = column < width;
      position_queries[i / kWidth][column] =
          inside ? q + attention.position_bias[head_column + column] : 0.0f;
      if (inside) queries[i / kWidth][column] = q + attention.content_bias[head_column + column];
    }
  }
  float sums[kColumnsPerLane] = {};
  OnlineSoftmax<kLanes, kKeysPerLane> softmax;
  for (int first_key = 0; first_key < block.frames; first_key += kKeys) {
    __syncthreads();  // the tile before is used up
    LoadRows<kWidth>(window + model_width, stride, first_key, block.frames, kKeys, width, keys);
    if constexpr (kRelative) {
      // Query q and key k meet at row max_position - q + k; the last query and the first key come first.
      const int64_t first = attention.max_position - (block.first_query + kQueries - 1) + first_key;
      LoadRows<kWidth>(position_keys, model_width, first, 2 * attention.max_position + 1, kPositions, width,
                       others);
    }
    __syncthreads();
    float scores[kKeysPerLane] = {};
    for (int column = 0; column < width; ++column) {
      const float q = queries[query][column];
#pragma unroll
      for (int k = 0; k < kKeysPerLane; ++k) {
        const int key = lane + k * kLanes;
        scores[k] = fmaf(q, keys[key][column], scores[k]);
        if constexpr (kRelative) {
          scores[k] =
              fmaf(position_queries[query][column], others[kQueries - 1 - query + key][column], scores[k]);
        }
      }
    }
    const float shrink = softmax.Add(scores, lane, block.frames - first_key, weights[query]);
    __syncthreads();  // positions are used up
    LoadRows<kWidth>(window + 2 * model_width, stride, first_key, block.frames, kKeys, width, others);
    __syncthreads();
#pragma unroll
    for (int c = 0; c < kColumnsPerLane; ++c) sums[c] *= shrink;
    for (int key = 0; key < kKeys; ++key) {
      const float weight = weights[query][key];
#pragma unroll
      for (int c = 0; c < kColumnsPerLane; ++c)
        sums[c] = fmaf(weight, others[key][lane + c * kLanes], sums[c]);
    }
  }
  const int frame = block.first_query + query;
  if (frame >= block.frames) return;
  T* row = output + (block.first_row + frame) * model_width + head_column;
#pragma unroll
  for (int c = 0; c < kColumnsPerLane; ++c) {
    if (lane + c * kLanes < width) row[lane + c * kLanes] = FromFloat<T>(sums[c] / softmax.total);
  }
}

template <int kWidth, typename T>
void Launch(DeviceContext context, const RelativeAttention& attention, const RaggedAttentionBlock* blocks,
            int64_t block_count, T* output) {
  const dim3 grid(static_cast<unsigned>(block_count * kBlocksPerDescriptor),
                  static_cast<unsigned>(attention.heads));
  if (attention.position_keys != nullptr) {
    RelativeAttentionKernel<kWidth, true, T>
        <<<grid, kThreads, 0, context.stream>>>(attention, blocks, output);
  } else {
    RelativeAttentionKernel<kWidth, false, T>
        <<<grid, kThreads, 0, context.stream>>>(attention, blocks, output);
  }
}

}  // namespace

Status LaunchRelativeAttention(DeviceContext context, const RelativeAttention& attention,
                               const RaggedAttentionBlock* blocks, int64_t block_count, void* output) {
  SKALD_CHECK(attention.head_width <= kRelativeAttentionMaxWidth, "heads are too wide");
  if (block_count == 0) return Status::Ok();
  WithElement(attention.type, [&](auto* element) {
    using T = std::remove_pointer_t<decltype(element)>;
    if (attention.head_width <= 64) {
      Launch<64, T>(context, attention, blocks, block_count, static_cast<T*>(output));
    } else {
      Launch<128, T>(context, attention, blocks, block_count, static_cast<T*>(output));
    }
  });
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("RelativeAttentionKernel");
  return Status::Ok();
}

}  // namespace skald
