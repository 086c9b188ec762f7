#include "base/cuda/cuda_status.h"
#include "kernels/nn/online_softmax.cuh"
#include "kernels/nn/ragged_attention.h"

namespace skald {
namespace {

constexpr int kWidth = 64;
constexpr int kKeys = 32;           // keys in shared memory at a time
constexpr int kPitch = kWidth + 1;  // odd: rows start in different banks
constexpr int kLanesPerQuery = 4;   // neighbours in a warp share a query's keys and columns
constexpr int kThreads = kRaggedAttentionQueries * kLanesPerQuery;
constexpr int kKeysPerLane = kKeys / kLanesPerQuery;
constexpr int kColumnsPerLane = kWidth / kLanesPerQuery;

__global__ void __launch_bounds__(kThreads)
    RaggedAttentionKernel(const float* query_key_value, int heads, const RaggedAttentionBlock* blocks,
                          float* output) {
  __shared__ float queries[kRaggedAttentionQueries][kPitch];
  __shared__ float keys[kKeys][kPitch];
  __shared__ float values[kKeys][kPitch];
  __shared__ float weights[kRaggedAttentionQueries][kKeys + 1];

  const RaggedAttentionBlock block = blocks[blockIdx.x];
  const int head = static_cast<int>(blockIdx.y);
  const int64_t stride = int64_t{3} * heads * kWidth;
  const float* window = query_key_value + block.first_row * stride + head * kWidth;
  const int query = static_cast<int>(threadIdx.x) / kLanesPerQuery;
  const int lane = static_cast<int>(threadIdx.x) % kLanesPerQuery;

  for (int i = static_cast<int>(threadIdx.x); i < kRaggedAttentionQueries * kWidth; i += kThreads) {
    const int frame = block.first_query + i / kWidth;
    queries[i / kWidth][i % kWidth] = frame < block.frames ? window[frame * stride + i % kWidth] : 0.0f;
  }
  float sums[kColumnsPerLane] = {};
  OnlineSoftmax<kLanesPerQuery, kKeysPerLane> softmax;
  for (int first_key = 0; first_key < block.frames; first_key += kKeys) {
    __syncthreads();  // the tile before is used up
    for (int i = static_cast<int>(threadIdx.x); i < kKeys * kWidth; i += kThreads) {
      const int frame = first_key + i / kWidth;
      const float* row = window + frame * stride + i % kWidth;
      keys[i / kWidth][i % kWidth] = frame < block.frames ? row[heads * kWidth] : 0.0f;
      values[i / kWidth][i % kWidth] = frame < block.frames ? row[2 * heads * kWidth] : 0.0f;
    }
    __syncthreads();

    float scores[kKeysPerLane] = {};
    for (int column = 0; column < kWidth; ++column) {
      const float q = queries[query][column];
#pragma unroll
      for (int k = 0; k < kKeysPerLane; ++k) {
        scores[k] = fmaf(q, keys[lane + k * kLanesPerQuery][column], scores[k]);
      }
    }
    const float shrink = softmax.Add(scores, lane, block.frames - first_key, weights[query]);
    __syncwarp();  // a query's weights are written and read inside one warp
#pragma unroll
    for (int c = 0; c < kColumnsPerLane; ++c) sums[c] *= shrink;
    for (int key = 0; key < kKeys; ++key) {
      const float weight = weights[query][key];
#pragma unroll
      for (int c = 0; c < kColumnsPerLane; ++c) {
        sums[c] = fmaf(weight, values[key][lane + c * kLanesPerQuery], sums[c]);
      }
    }
    __syncwarp();
  }
  const int frame = block.first_query + query;
  if (frame >= block.frames) return;
  float* row = output + (block.first_row + frame) * int64_t{heads} * kWidth + head * kWidth;
#pragma unroll
  for (int c = 0; c < kColumnsPerLane; ++c) row[lane + c * kLanesPerQuery] = sums[c] / softmax.total;
}

}  // namespace

Status LaunchRaggedAttention(DeviceContext context, const float* query_key_value, int heads,
                             const RaggedAttentionBlock* blocks, int64_t block_count, float* output) {
  if (block_count == 0) return Status::Ok();
  const dim3 grid(static_cast<unsigned>(block_count), static_cast<unsigned>(heads));
  RaggedAttentionKernel<<<grid, kThreads, 0, context.stream>>>(query_key_value, heads, blocks, output);
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("RaggedAttentionKernel");
  return Status::Ok();
}

}  // namespace skald
