#pragma once

#include "kernels/search/lane.cuh"
#include "kernels/search/window.cuh"

// From the slots and candidates of a frame to a record of the window.

namespace skald::lane {

/// Room in the window for the frame in the making. False where the lane or the output cannot hold it; by a
/// single block, as are all functions that do not say otherwise.
__device__ inline bool MakeRoom(Lane& lane) {
  Shared& s = lane.s;
  const LaneCapacities& capacities = lane.plan.capacities;
  const LaneCounts& counts = lane.counts;
  if (counts.tokens > capacities.tokens || counts.other_links > capacities.other_links) {
    if (threadIdx.x == 0) {
      if (counts.tokens > capacities.tokens) s.needed.tokens = 2 * capacities.tokens;
      if (counts.other_links > capacities.other_links) s.needed.other_links = counts.other_links;
    }
    return false;
  }
  const uint32_t tokens = counts.tokens, links = counts.kept_candidates + counts.other_links;
  const auto fits = [&] {
    return s.window_records < capacities.window_records &&
           s.window_tokens + tokens <= capacities.window_tokens &&
           s.window_links + links <= capacities.window_links;
  };
  if (!fits() && !FlushWindow(lane, s.window_records / 2)) return false;
  if (!fits() && !FlushWindow(lane, 0)) return false;
  if (fits()) return true;
  __syncthreads();
  if (threadIdx.x == 0) {
    s.needed.window_tokens = tokens;
    s.needed.window_links = links;
  }
  return false;
}

/// Turns slots to tokens of the window: the block's share.
__device__ inline void NumberTokens(Lane& lane) {
  const uint32_t tokens = lane.counts.tokens, first_token = lane.s.window_tokens;
  float* const costs = lane.costs[lane.next_costs];
  TokenSummary summary = {static_cast<int>(kInfinityBits), 0xFFFFFFFFu, static_cast<int>(0x80000000), 0, 0};
  for (uint32_t t = lane.share_first + threadIdx.x; t < tokens; t += lane.share_stride) {
    const uint32_t slot = lane.used_slots[t];
    const unsigned long long key = *lane.hash.Key(slot);
    const int cost = *lane.hash.Cost(slot);
    const bool entry = (key & kLaneEntryBit) != 0;
    lane.window_keys[first_token + t] = key;
    costs[t] = entry ? Infinity() : FloatFromOrdered(cost);
    *lane.hash.Key(slot) = t;
    if (!entry) summary = TokenSummaryJoin{}(summary, {cost, t, cost, 1, (key & 0xFFFF) != 0});
  }
  summary = ReduceTokens(lane.s.temp.tokens).Reduce(summary, TokenSummaryJoin{});
  if (threadIdx.x == 0) {
    LaneCounts& counts = lane.counts;
    const uint32_t least = static_cast<uint32_t>(summary.least) ^ 0x80000000u;
    atomicMin(&counts.least_token, static_cast<unsigned long long>(least) << 32 | summary.best_token);
    atomicMax(&counts.greatest, summary.greatest);
    atomicAdd(&counts.active, summary.active);
    atomicAdd(&counts.with_unit, summary.with_unit);
  }
}

/// A link of the frame with the token in the place of its destination's slot and slack in that of its cost,
/// never -0.
__device__ __forceinline__ uint4 Settled(const Lane& lane, uint4 link) {
  const float slack = __uint_as_float(link.w) - FloatFromOrdered(*lane.hash.Cost(link.y));
  link.w = slack == 0.0f ? 0u : __float_as_uint(slack);
  link.y = static_cast<uint32_t>(*lane.hash.Key(link.y));
  return link;
}

/// Moves the candidates that are kept to the window, from counts.links on: the block's share.
__device__ inline void SettleEmittingLinks(Lane& lane) {
  const uint32_t candidates = lane.counts.candidates;
  const int warp_lane = threadIdx.x & 31;
  for (uint32_t first = lane.share_first + threadIdx.x - warp_lane; first < candidates;
       first += lane.share_stride) {
    const uint32_t c = first + warp_lane;
    uint4 link = c < candidates ? lane.Candidate(c) : make_uint4(0, TokenHash::kNoSlot, 0, 0);
    bool keep = link.y != TokenHash::kNoSlot;
    if (keep) {
      link = Settled(lane, link);
      keep = __uint_as_float(link.w) <= lane.plan.early_link_beam;
    }
    const uint32_t place = AppendPlace(keep, &lane.counts.links);
    if (keep) lane.window_links[place] = link;
  }
}

/// Makes the frame in the making the last record of the window; for thread 0.
__device__ inline void CloseFrame(Lane& lane, const LaneRecord& record) {
  Shared& s = lane.s;
  const LaneCounts& counts = lane.counts;
  lane.records[s.window_records++] = record;
  s.window_tokens = record.first_token + record.tokens;
  s.window_links = record.first_other_link + record.other_links;
  ChannelState& state = s.state;
  if (record.row >= 0) {
    ++state.frames;
    state.offset += static_cast<double>(lane.blank) + static_cast<double>(lane.least_cost);
    if (s.max_active_bound) {
      ++state.max_active_frames;
      state.smallest_width = s.width < state.smallest_width ? s.width : state.smallest_width;
    }
    if (s.capped) {
      ++state.capped_frames;
      state.smallest_width = s.capped_width < state.smallest_width ? s.capped_width : state.smallest_width;
    }
    state.arcs_tried += counts.arcs_tried;
    state.arcs_kept += counts.kept_candidates;
  }
  state.links_made += record.links + record.other_links - counts.dropped_other_links;
  state.least_cost = FloatFromOrdered(static_cast<int>((counts.least_token >> 32) ^ 0x80000000u));
  state.greatest_cost = FloatFromOrdered(counts.greatest);
  state.token_count = record.tokens;
  state.best_token = static_cast<uint32_t>(counts.least_token);
  state.active = counts.active;
  state.with_unit = counts.with_unit;
  state.tokens += counts.active;
  state.peak_tokens = max(state.peak_tokens, static_cast<int64_t>(counts.active));
}

/// The frontier is now the frame at `first_token` of the window.
__device__ __forceinline__ void TakeFrontier(Lane& lane, uint32_t first_token) {
  lane.keys = lane.window_keys + first_token;
  lane.key_costs = lane.costs[lane.next_costs];
  lane.next_costs ^= 1;
}

/// Turns the frame in the making into the last record of the window: numbers its tokens, settles its links,
/// drops those that no lattice holds. BeamSearch::FinishFrame.
__device__ inline bool FinishFrame(Lane& lane, int32_t row) {
  Shared& s = lane.s;
  if (!MakeRoom(lane)) return false;
  const uint32_t tokens = lane.counts.tokens, first_token = s.window_tokens, first_link = s.window_links;
  NumberTokens(lane);
  if (threadIdx.x == 0) lane.counts.links = first_link;
  __syncthreads();
  SettleEmittingLinks(lane);
  __syncthreads();
  const uint32_t first_other_link = lane.counts.links;
  uint32_t end_link = first_other_link;
  for (uint32_t first = 0; first < lane.counts.other_links; first += kThreads) {  // in their order
    const uint32_t l = first + threadIdx.x;
    uint4 link{};
    bool keep = l < lane.counts.other_links;
    if (keep) {
      link = Settled(lane, lane.other_links[l]);
      keep = __uint_as_float(link.w) <= lane.plan.early_link_beam;
    }
    uint32_t place, total;
    ScanU32(s.temp.scan).ExclusiveSum(static_cast<uint32_t>(keep), place, total);
    if (keep) lane.window_links[end_link + place] = link;
    end_link += total;
    __syncthreads();
  }
  for (uint32_t t = threadIdx.x; t < tokens; t += kThreads) lane.hash.Free(lane.used_slots[t]);
  TakeFrontier(lane, first_token);
  if (threadIdx.x == 0) {
    CloseFrame(lane, {first_token, tokens, first_link, first_other_link - first_link, first_other_link,
                      end_link - first_other_link, row, 0});
  }
  __syncthreads();
  return true;
}

}  // namespace skald::lane
