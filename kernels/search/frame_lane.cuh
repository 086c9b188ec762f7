#pragma once

#include "kernels/search/lane_work.cuh"

// A lane whose frames are made by several blocks: what lies between two kernels, and how blocks take it up.

namespace skald::frame {

using namespace lane;

/// A lane between two kernels.
struct FrameState {
  LaneProgress progress;
  LaneWork work;
  const uint64_t* keys;
  const float* key_costs;
  int next_costs;
  uint32_t has_work;
  uint32_t open;           ///< whether a frame is in the making
  uint32_t slots_to_free;  ///< slots of the frame before that are still taken
  uint32_t entries_seen;   ///< entry states that are complete
  uint32_t selected;       ///< tokens in the bin of the max_active-th cost
  uint32_t finished_blocks;
  uint32_t rank_histogram[kBins];  ///< of the tokens' costs
  uint32_t cap_histogram[kBins];   ///< of the candidates' costs
};

struct FramePlan {
  LaneSearchPlan search;
  FrameState* states;  ///< [lanes]
  uint32_t first_work;
};

/// A block's shared memory, as bytes because its parts have constructors.
struct BlockMemory {
  alignas(16) std::byte shared[sizeof(Shared)];
  alignas(16) std::byte plan[sizeof(LaneSearchPlan)];
};

/// Copies words, each by one thread.
template <typename T>
__device__ inline void CopyByBlock(T* to, const T* from) {
  static_assert(sizeof(T) % 4 == 0);
  for (uint32_t i = threadIdx.x; i < sizeof(T) / 4; i += kThreads) {
    reinterpret_cast<uint32_t*>(to)[i] = reinterpret_cast<const uint32_t*>(from)[i];
  }
}

/// The block's view of lane blockIdx.y: alone, with all of it, its counts in shared memory; or with a share.
template <bool kAlone>
__device__ inline Lane LoadLane(const FramePlan* plan, BlockMemory& memory) {
  FrameState& state = plan->states[blockIdx.y];
  auto& s = *reinterpret_cast<Shared*>(memory.shared);
  auto& search = *reinterpret_cast<LaneSearchPlan*>(memory.plan);
  CopyByBlock(&search, &plan->search);
  CopyByBlock<LaneProgress>(&s, &state.progress);
  __syncthreads();
  Lane lane{search, s, kAlone ? s.counts : state.progress.counts, kAlone ? 0 : blockIdx.x * kThreads,
            kAlone ? kThreads : gridDim.x * kThreads};
  PlaceLane(lane, search.lane_memory + blockIdx.y * search.layout.total);
  lane.scores = state.work.scores;
  lane.stride = state.work.stride;
  lane.channel_keys = state.work.keys;
  lane.channel_costs = state.work.costs;
  lane.carried = state.work.carried;
  lane.keys = state.keys;
  lane.key_costs = state.key_costs;
  lane.next_costs = state.next_costs;
  if (state.open) {
    lane.row = lane.scores + s.row * lane.stride;
    lane.blank = lane.row[0];
    lane.least_cost = s.state.least_cost;
  }
  return lane;
}

/// Leaves what a block did alone to the next kernel.
__device__ inline void StoreLane(const FramePlan* plan, const Lane& lane) {
  FrameState& state = plan->states[blockIdx.y];
  __syncthreads();
  CopyByBlock<LaneProgress>(&state.progress, &lane.s);
  if (threadIdx.x == 0) {
    state.keys = lane.keys;
    state.key_costs = lane.key_costs;
    state.next_costs = lane.next_costs;
  }
}

/// Whether all other blocks of the lane have come here; what they wrote can then be read past the first
/// cache.
__device__ inline bool IsLastBlock(FrameState& state) {
  __shared__ bool last;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    last = atomicAdd(&state.finished_blocks, 1u) + 1 == gridDim.x;
    if (last) state.finished_blocks = 0;
  }
  __syncthreads();
  if (last) __threadfence();
  return last;
}

__device__ inline void AddHistogram(const Shared& s, uint32_t* histogram) {
  __syncthreads();
  for (int i = threadIdx.x; i < kBins; i += kThreads) {
    if (s.histogram[i] != 0) atomicAdd(histogram + i, s.histogram[i]);
  }
}

__device__ inline void LoadHistogram(Shared& s, const uint32_t* histogram) {
  __syncthreads();
  for (int i = threadIdx.x; i < kBins; i += kThreads) s.histogram[i] = __ldcg(histogram + i);
  __syncthreads();
}

/// The frame in the making becomes the last record of the window.
__device__ inline void CloseOpenFrame(Lane& lane, FrameState& state) {
  Shared& s = lane.s;
  if (!state.open) return;
  const LaneCounts& counts = lane.counts;
  const LaneRecord record = {s.window_tokens,
                             counts.tokens,
                             s.window_links,
                             counts.links - s.window_links,
                             s.window_links + counts.kept_candidates,
                             counts.other_links,
                             s.row,
                             0};
  TakeFrontier(lane, record.first_token);
  __syncthreads();
  if (threadIdx.x == 0) {
    CloseFrame(lane, record);
    ++s.row;
    state.open = 0;
    state.slots_to_free = record.tokens;
  }
  __syncthreads();
}

/// Bin of a token's cost; rises with it.
__device__ __forceinline__ int RankBin(const ChannelState& state, float cost) {
  const float range = state.greatest_cost - state.least_cost;
  if (!(range > 0)) return 0;
  const float bin = (cost - state.least_cost) * (static_cast<float>(kBins) / range);
  return bin < static_cast<float>(kBins) ? static_cast<int>(bin) : kBins - 1;
}

/// Whether candidates and tokens have had room so far; a lane that had none abandons the frame in
/// FollowRestKernel.
__device__ __forceinline__ bool GoesOn(const FramePlan* plan, const FrameState& state) {
  return state.open && state.progress.counts.candidates <= plan->search.capacities.candidates;
}

}  // namespace skald::frame
