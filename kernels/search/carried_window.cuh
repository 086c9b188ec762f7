#pragma once

#include "kernels/search/lane.cuh"

// A pruned window between two launches, in the memory of its channel. What is read of scores goes with it, as
// these are gone by then.

namespace skald::lane {

/// The past that is still to be pruned: two seconds and more at 20 ms.
constexpr uint32_t kMostCarriedRecords = 128;

struct CarriedWindow {
  uint4* links;
  uint64_t* keys;
  LaneRecord* records;
  float* acoustic_costs;   ///< of tokens: scores of their units
  float* collapsed_costs;  ///< blank costs
};

__device__ __forceinline__ CarriedWindow PlaceCarriedWindow(const Lane& lane, uint32_t records,
                                                            uint32_t tokens, uint32_t links) {
  CarriedWindow window;
  window.links = reinterpret_cast<uint4*>(lane.carried);
  window.keys = reinterpret_cast<uint64_t*>(window.links + links);
  window.records = reinterpret_cast<LaneRecord*>(window.keys + tokens);
  window.acoustic_costs = reinterpret_cast<float*>(window.records + records);
  window.collapsed_costs = window.acoustic_costs + tokens;
  return window;
}

/// Blank cost of collapsed frame `i` of a record.
__device__ __forceinline__ float CollapsedCost(const Lane& lane, const LaneRecord& record, uint32_t i) {
  if (i < record.carried_collapsed) {
    return lane.carried_collapsed_costs[record.first_carried_collapsed + i];
  }
  const int64_t row = int64_t{record.row} + 1 + (i - record.carried_collapsed);
  return lane.scores[row * lane.stride];
}

/// How many of the last records of the pruned window a channel has room for.
__device__ inline uint32_t CountCarriedRecords(Lane& lane) {
  Shared& s = lane.s;
  __syncthreads();
  if (threadIdx.x == 0) {
    const uint32_t most =
        min(min(s.window_records, kMostCarriedRecords), lane.plan.capacities.window_records / 2);
    uint64_t bytes = 0;
    uint32_t collapsed = 0, count = 0;
    for (; count < most; ++count) {
      const LaneRecord& record = lane.records[s.window_records - 1 - count];
      bytes += uint64_t{record.links + record.other_links} * sizeof(uint4) +
               uint64_t{record.tokens} * (sizeof(uint64_t) + sizeof(float)) + sizeof(LaneRecord) +
               uint64_t{record.collapsed} * sizeof(float);
      collapsed += record.collapsed;
      if (bytes > lane.plan.carried_bytes || collapsed > kMostCarriedCollapsed) break;
    }
    s.broadcast = count;
  }
  __syncthreads();
  return s.broadcast;
}

/// Writes the window to the channel.
__device__ inline void SaveWindow(Lane& lane) {
  Shared& s = lane.s;
  const CarriedWindow to = PlaceCarriedWindow(lane, s.window_records, s.window_tokens, s.window_links);
  for (uint32_t l = threadIdx.x; l < s.window_links; l += kThreads) to.links[l] = lane.window_links[l];
  for (uint32_t t = threadIdx.x; t < s.window_tokens; t += kThreads) to.keys[t] = lane.window_keys[t];
  uint32_t end_collapsed = 0;
  for (uint32_t r = 0; r < s.window_records; ++r) {
    LaneRecord record = LoadRecord(lane, r);
    for (uint32_t i = threadIdx.x; i < record.tokens; i += kThreads) {
      const uint32_t t = record.first_token + i;
      float cost = 0;
      if (record.carried) {
        cost = lane.window_acoustic_costs[t];
      } else if (record.row >= 0) {
        cost = lane.scores[record.row * lane.stride + (lane.window_keys[t] & 0xFFFF)];
      }
      to.acoustic_costs[t] = cost;
    }
    for (uint32_t i = threadIdx.x; i < record.collapsed; i += kThreads) {
      to.collapsed_costs[end_collapsed + i] = CollapsedCost(lane, record, i);
    }
    record.row = -1;
    record.carried = 1;
    record.carried_collapsed = record.collapsed;
    record.first_carried_collapsed = end_collapsed;
    if (threadIdx.x == 0) to.records[r] = record;
    end_collapsed += record.collapsed;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    s.state.carried_tokens = s.window_tokens;
    s.state.carried_links = s.window_links;
    s.state.carried_collapsed = end_collapsed;
  }
  __syncthreads();
}

/// Takes up the window that the launch before has left. False where the lane cannot hold it.
__device__ inline bool RestoreWindow(Lane& lane) {
  Shared& s = lane.s;
  const ChannelState& state = s.state;
  const LaneCapacities& capacities = lane.plan.capacities;
  if (state.carried_records == 0) return true;
  __syncthreads();
  if (state.carried_tokens > capacities.window_tokens || state.carried_links > capacities.window_links) {
    if (threadIdx.x == 0) {
      s.needed.window_tokens = state.carried_tokens;
      s.needed.window_links = state.carried_links;
      s.result = LaneResult::kLaneFull;
    }
    __syncthreads();
    return false;
  }
  const CarriedWindow from =
      PlaceCarriedWindow(lane, state.carried_records, state.carried_tokens, state.carried_links);
  for (uint32_t r = threadIdx.x; r < state.carried_records; r += kThreads) lane.records[r] = from.records[r];
  for (uint32_t l = threadIdx.x; l < state.carried_links; l += kThreads) lane.window_links[l] = from.links[l];
  for (uint32_t t = threadIdx.x; t < state.carried_tokens; t += kThreads) {
    lane.window_keys[t] = from.keys[t];
    lane.window_acoustic_costs[t] = from.acoustic_costs[t];
  }
  for (uint32_t i = threadIdx.x; i < state.carried_collapsed; i += kThreads) {
    lane.carried_collapsed_costs[i] = from.collapsed_costs[i];
  }
  if (threadIdx.x == 0) {
    s.window_records = state.carried_records;
    s.window_tokens = state.carried_tokens;
    s.window_links = state.carried_links;
  }
  __syncthreads();
  return true;
}

}  // namespace skald::lane
