#pragma once

#include "kernels/search/lane.cuh"

// From the tokens of a frame to records of the window, and from the window to the host.

namespace skald::lane {

__device__ __forceinline__ uint64_t PadTo8(uint64_t bytes) { return (bytes + 7) & ~uint64_t{7}; }

/// Slack past which a link is no part of the lattice, and what the token at its source is then from the best
/// path.
__device__ __forceinline__ bool InLattice(float extra, float beam) {
  return extra <= beam && extra != Infinity();
}

/// How far every token of the window is from the best path to the frontier, all of whose tokens count as
/// best: LinkHistory::Sweep. Slacks of links outside of the lattice beam become +infinity. Returns to thread
/// 0 the bytes of the segment.
__device__ uint64_t PruneWindow(Lane& lane) {
  Shared& s = lane.s;
  const float beam = lane.plan.lattice_beam;
  const uint32_t records = s.window_records;
  uint64_t bytes =
      sizeof(SegmentHeader) + PadTo8(uint64_t{s.leading_collapsed} * 4) + records * sizeof(SegmentRecord);
  const uint32_t last_first_token = records > 0 ? lane.records[records - 1].first_token : 0;
  for (uint32_t t = threadIdx.x; t < s.window_tokens; t += kThreads) {
    const bool best = t >= last_first_token && (lane.window_keys[t] & kLaneEntryBit) == 0;
    lane.window_extra[t] = best ? 0 : kInfinityBits;
  }
  __syncthreads();
  for (uint32_t r = records; r-- > 0;) {
    const LaneRecord record = lane.records[r];
    uint32_t* const here = lane.window_extra + record.first_token;
    // Emitting links of the first record come from tokens outside of the window.
    uint32_t* const before = r > 0 ? lane.window_extra + lane.records[r - 1].first_token : nullptr;
    const auto extra_of = [&](const uint4& link) {
      return __uint_as_float(*const_cast<volatile uint32_t*>(here + link.y)) + __uint_as_float(link.w);
    };
    // Chains of epsilon links are short: until nothing changes.
    bool changed = record.first_other_link < record.end_link;
    while (__syncthreads_or(changed)) {
      changed = false;
      for (uint32_t l = record.first_other_link + threadIdx.x; l < record.end_link; l += kThreads) {
        const uint4 link = lane.window_links[l];
        const float extra = extra_of(link);
        if (InLattice(extra, beam)) {
          const uint32_t bits = __float_as_uint(extra);
          changed = bits < atomicMin(here + link.x, bits) || changed;
        }
      }
    }
    KeptCounts kept{};
    for (uint32_t l = record.first_link + threadIdx.x; l < record.end_link; l += kThreads) {
      const uint4 link = lane.window_links[l];
      const float extra = extra_of(link);
      if (!InLattice(extra, beam)) {
        lane.window_links[l].w = kInfinityBits;
      } else if (l >= record.first_other_link) {
        ++kept.other_links;
      } else {
        ++kept.links;
        if (before != nullptr) atomicMin(before + link.x, __float_as_uint(extra));
      }
    }
    for (uint32_t t = threadIdx.x; t < record.tokens; t += kThreads) {
      kept.tokens += r + 1 == records || InLattice(__uint_as_float(here[t]), beam);
    }
    kept = ReduceCounts(s.temp.counts).Reduce(kept, KeptCountsSum{});
    if (threadIdx.x == 0) {
      lane.records[r].kept_tokens = kept.tokens;
      lane.records[r].kept_links = kept.links;
      lane.records[r].kept_other_links = kept.other_links;
      bytes += uint64_t{kept.tokens} * 8 +
               PadTo8(uint64_t{kept.links + kept.other_links} * sizeof(LaneLink)) +
               PadTo8(uint64_t{record.collapsed} * 4);
    }
  }
  __syncthreads();
  return bytes;
}

/// Writes blank costs of `count` rows from `row` on; returns the padded bytes.
__device__ __forceinline__ uint64_t WriteCollapsed(const Lane& lane, int32_t row, uint32_t count,
                                                   std::byte* output) {
  for (uint32_t i = threadIdx.x; i < count; i += kThreads) {
    reinterpret_cast<float*>(output)[i] = lane.scores[(row + static_cast<int64_t>(i)) * lane.stride];
  }
  return PadTo8(uint64_t{count} * 4);
}

/// Writes what PruneWindow left, tokens renumbered in their order; window_extra then holds the new numbers.
__device__ void WriteSegment(Lane& lane, std::byte* output, uint64_t bytes) {
  Shared& s = lane.s;
  const float beam = lane.plan.lattice_beam;
  const uint32_t records = s.window_records;
  if (threadIdx.x == 0) {
    *reinterpret_cast<SegmentHeader*>(output) = {bytes, s.work, records, s.leading_collapsed, 0};
  }
  output += sizeof(SegmentHeader);
  output += WriteCollapsed(lane, s.leading_row, s.leading_collapsed, output);
  auto* const segment_records = reinterpret_cast<SegmentRecord*>(output);
  for (uint32_t r = threadIdx.x; r < records; r += kThreads) {
    const LaneRecord& record = lane.records[r];
    segment_records[r] = {record.kept_tokens, record.kept_links, record.kept_other_links, record.collapsed};
  }
  output += records * sizeof(SegmentRecord);

  const uint32_t* before = nullptr;
  for (uint32_t r = 0; r < records; ++r) {
    const LaneRecord record = lane.records[r];
    const bool last = r + 1 == records;
    uint32_t* const numbers = lane.window_extra + record.first_token;
    auto* const keys = reinterpret_cast<uint64_t*>(output);
    uint32_t written = 0;
    for (uint32_t first = 0; first < record.tokens; first += kThreads) {
      const uint32_t t = first + threadIdx.x;
      const bool keep = t < record.tokens && (last || InLattice(__uint_as_float(numbers[t]), beam));
      uint32_t number, total;
      ScanU32(s.temp.scan).ExclusiveSum(static_cast<uint32_t>(keep), number, total);
      if (keep) {
        keys[written + number] = lane.window_keys[record.first_token + t];
        numbers[t] = written + number;
      }
      written += total;
      __syncthreads();
    }
    output += uint64_t{written} * 8;

    auto* const links = reinterpret_cast<LaneLink*>(output);
    written = 0;
    for (uint32_t first = record.first_link; first < record.end_link; first += kThreads) {
      const uint32_t l = first + threadIdx.x;
      uint4 link{};
      bool keep = false;
      if (l < record.end_link) {
        link = lane.window_links[l];
        keep = link.w != kInfinityBits;
      }
      uint32_t place, total;
      ScanU32(s.temp.scan).ExclusiveSum(static_cast<uint32_t>(keep), place, total);
      if (keep) {
        const bool emitting = l < record.first_other_link;
        const uint32_t unit = static_cast<uint32_t>(lane.window_keys[record.first_token + link.y]) & 0xFFFF;
        const uint32_t* const source_numbers = emitting ? before : numbers;
        LaneLink out;
        out.source = source_numbers != nullptr ? source_numbers[link.x] : link.x;
        out.destination = numbers[link.y];
        out.cell = link.z;
        out.slack = __uint_as_float(link.w);
        out.acoustic_cost = emitting ? lane.scores[record.row * lane.stride + unit] : 0.0f;
        links[written + place] = out;
      }
      written += total;
      __syncthreads();
    }
    output += PadTo8(uint64_t{written} * sizeof(LaneLink));
    output += WriteCollapsed(lane, record.row + 1, record.collapsed, output);
    before = numbers;
  }
}

/// Prunes the window, writes it to the output and saves the frontier in the channel. False where the output
/// is full; then the channel stands where it stood before the window.
__device__ bool FlushWindow(Lane& lane) {
  Shared& s = lane.s;
  __syncthreads();
  if (s.window_records == 0 && s.leading_collapsed == 0) return true;
  const uint64_t bytes = PruneWindow(lane);
  if (threadIdx.x == 0) {
    unsigned long long offset = *const_cast<volatile unsigned long long*>(&lane.plan.queue->output_bytes);
    for (;;) {
      if (offset + bytes > lane.plan.output_capacity) {
        s.result = LaneResult::kOutputFull;
        atomicExch(&lane.plan.queue->output_full, 1u);
        s.needed_output_bytes = bytes;
        offset = ~0ull;
        break;
      }
      const unsigned long long found = atomicCAS(&lane.plan.queue->output_bytes, offset, offset + bytes);
      if (found == offset) break;
      offset = found;
    }
    s.segment_offset = offset;
  }
  __syncthreads();
  const uint64_t offset = s.segment_offset;
  if (offset == ~0ull) return false;
  WriteSegment(lane, lane.plan.output + offset, bytes);
  if (s.window_records > 0) {
    for (uint32_t t = threadIdx.x; t < s.state.token_count; t += kThreads) {
      lane.channel_keys[t] = lane.keys[t];
      lane.channel_costs[t] = lane.key_costs[t];
    }
    lane.keys = lane.channel_keys;
    lane.key_costs = lane.channel_costs;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    s.committed = s.state;
    s.rows_committed = s.row;
    s.begun = 1;
    s.window_records = 0;
    s.window_tokens = 0;
    s.window_links = 0;
    s.leading_collapsed = 0;
  }
  __syncthreads();
  return true;
}

/// Room in the window for the frame in the making. False where the lane or the output cannot hold it.
__device__ bool MakeRoom(Lane& lane) {
  Shared& s = lane.s;
  const LaneCapacities& capacities = lane.plan.capacities;
  const uint32_t tokens = s.tokens, links = s.kept_candidates + s.other_links;
  if (s.window_records == capacities.window_records || s.window_tokens + tokens > capacities.window_tokens ||
      s.window_links + links > capacities.window_links) {
    if (!FlushWindow(lane)) return false;
    if (tokens > capacities.window_tokens || links > capacities.window_links) {
      if (threadIdx.x == 0) {
        s.needed.window_tokens = tokens;
        s.needed.window_links = links;
      }
      return false;
    }
  }
  return true;
}

/// Turns the frame in the making into the last record of the window: numbers its tokens, settles its links,
/// drops those that no lattice holds. BeamSearch::FinishFrame.
__device__ bool FinishFrame(Lane& lane, int32_t row) {
  Shared& s = lane.s;
  const LaneSearchPlan& plan = lane.plan;
  if (s.tokens > plan.capacities.tokens || s.other_links > plan.capacities.other_links) {
    if (threadIdx.x == 0) {
      if (s.tokens > plan.capacities.tokens) s.needed.tokens = 2 * plan.capacities.tokens;
      if (s.other_links > plan.capacities.other_links) s.needed.other_links = s.other_links;
    }
    return false;
  }
  if (!MakeRoom(lane)) return false;

  const uint32_t tokens = s.tokens, first_token = s.window_tokens, first_link = s.window_links;
  float* const costs = lane.costs[lane.next_costs];
  TokenSummary summary = {static_cast<int>(kInfinityBits), 0xFFFFFFFFu, static_cast<int>(0x80000000), 0, 0};
  for (uint32_t t = threadIdx.x; t < tokens; t += kThreads) {
    const uint32_t slot = lane.used_slots[t];
    const unsigned long long key = *lane.hash.Key(slot);
    const int cost = *lane.hash.Cost(slot);
    const bool entry = (key & kLaneEntryBit) != 0;
    lane.window_keys[first_token + t] = key;
    costs[t] = entry ? Infinity() : FloatFromOrdered(cost);
    *lane.hash.Key(slot) = t;
    if (!entry) summary = TokenSummaryJoin{}(summary, {cost, t, cost, 1, (key & 0xFFFF) != 0});
  }
  summary = ReduceTokens(s.temp.tokens).Reduce(summary, TokenSummaryJoin{});
  if (threadIdx.x == 0) {
    s.token_summary = summary;
    s.links = first_link;
  }
  __syncthreads();

  const int warp_lane = threadIdx.x & 31;
  const auto settle = [&](uint4 link) {  // slot and cost to token and slack; never -0
    const float slack = __uint_as_float(link.w) - FloatFromOrdered(*lane.hash.Cost(link.y));
    link.w = slack == 0.0f ? 0u : __float_as_uint(slack);
    link.y = static_cast<uint32_t>(*lane.hash.Key(link.y));
    return link;
  };
  for (uint32_t first = threadIdx.x - warp_lane; first < s.candidates; first += kThreads) {
    const uint32_t c = first + warp_lane;
    uint4 link = c < s.candidates ? lane.candidates[c] : make_uint4(0, TokenHash::kNoSlot, 0, 0);
    bool keep = link.y != TokenHash::kNoSlot;
    if (keep) {
      link = settle(link);
      keep = __uint_as_float(link.w) <= plan.early_link_beam;
    }
    const uint32_t place = AppendPlace(keep, &s.links);
    if (keep) lane.window_links[place] = link;
  }
  __syncthreads();
  const uint32_t first_other_link = s.links;
  uint32_t end_link = first_other_link;
  for (uint32_t first = 0; first < s.other_links; first += kThreads) {
    const uint32_t l = first + threadIdx.x;
    uint4 link{};
    bool keep = l < s.other_links;
    if (keep) {
      link = settle(lane.other_links[l]);
      keep = __uint_as_float(link.w) <= plan.early_link_beam;
    }
    uint32_t place, total;
    ScanU32(s.temp.scan).ExclusiveSum(static_cast<uint32_t>(keep), place, total);
    if (keep) lane.window_links[end_link + place] = link;
    end_link += total;
    __syncthreads();
  }
  for (uint32_t t = threadIdx.x; t < tokens; t += kThreads) lane.hash.Free(lane.used_slots[t]);

  lane.keys = lane.window_keys + first_token;
  lane.key_costs = costs;
  lane.next_costs ^= 1;
  if (threadIdx.x == 0) {
    lane.records[s.window_records++] = {first_token, tokens, first_link, first_other_link, end_link, row, 0,
                                        0,           0,      0};
    s.window_tokens = first_token + tokens;
    s.window_links = end_link;
    ChannelState& state = s.state;
    if (row >= 0) {
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
      state.arcs_tried += s.arcs_tried;
      state.arcs_kept += s.kept_candidates;
    }
    state.links_made += end_link - first_link;
    state.least_cost = FloatFromOrdered(s.token_summary.least);
    state.greatest_cost = FloatFromOrdered(s.token_summary.greatest);
    state.token_count = tokens;
    state.best_token = s.token_summary.best_token;
    state.active = s.token_summary.active;
    state.with_unit = s.token_summary.with_unit;
    state.tokens += s.token_summary.active;
    state.peak_tokens = max(state.peak_tokens, static_cast<int64_t>(s.token_summary.active));
  }
  __syncthreads();
  return true;
}

}  // namespace skald::lane
