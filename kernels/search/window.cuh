#pragma once

#include "kernels/search/carried_window.cuh"
#include "kernels/search/lane.cuh"

// Prunes the records of recent frames and writes them to the host.

namespace skald::lane {

__device__ __forceinline__ uint64_t PadTo8(uint64_t bytes) { return (bytes + 7) & ~uint64_t{7}; }

/// Slack past which a link is no part of the lattice, and what the token at its source is then from the best
/// path.
__device__ __forceinline__ bool InLattice(float extra, float beam) {
  return extra <= beam && extra != Infinity();
}

/// Keeps of the window what is on paths within the lattice beam of the best one to any token of the frontier:
/// LinkHistory::Sweep and half of Compact. Links that stay move to the front of their record's; links of the
/// record keep the old numbers of tokens, window_extra holds the new ones by old number. Tokens of the last
/// record keep theirs.
__device__ inline void PruneWindow(Lane& lane) {
  Shared& s = lane.s;
  const float beam = lane.plan.lattice_beam;
  const uint32_t records = s.window_records;
  const uint32_t last_first_token = records > 0 ? lane.records[records - 1].first_token : 0;
  for (uint32_t t = threadIdx.x; t < s.window_tokens; t += kThreads) {
    const bool best = t >= last_first_token && (lane.window_keys[t] & kLaneEntryBit) == 0;
    lane.window_extra[t] = best ? 0 : kInfinityBits;
  }
  __syncthreads();
  for (uint32_t r = records; r-- > 0;) {
    const LaneRecord record = LoadRecord(lane, r);
    uint32_t* const here = lane.window_extra + record.first_token;
    // Emitting links of the first record come from tokens outside of the window.
    uint32_t* const before = r > 0 ? lane.window_extra + s.record[0].first_token : nullptr;
    const auto extra_of = [&](const uint4& link) {
      return __uint_as_float(here[link.y]) + __uint_as_float(link.w);
    };
    if (threadIdx.x == 0) s.kept_links = s.kept_tokens = 0;
    // Chains of epsilon links are short: until nothing changes.
    bool changed = record.other_links > 0;
    while (__syncthreads_or(changed)) {
      changed = false;
      for (uint32_t i = threadIdx.x; i < record.other_links; i += kThreads) {
        const uint4 link = lane.window_links[record.first_other_link + i];
        const float extra =  // others lower it at the same time
            __uint_as_float(*const_cast<volatile uint32_t*>(here + link.y)) + __uint_as_float(link.w);
        if (InLattice(extra, beam)) {
          const uint32_t bits = __float_as_uint(extra);
          changed = bits < atomicMin(here + link.x, bits) || changed;
        }
      }
    }
    uint32_t kept_other_links = 0;
    for (uint32_t first = 0; first < record.other_links; first += kThreads) {  // in their order
      const uint32_t i = first + threadIdx.x;
      uint4 link{};
      bool keep = i < record.other_links;
      if (keep) {
        link = lane.window_links[record.first_other_link + i];
        keep = InLattice(extra_of(link), beam);
      }
      uint32_t place, total;
      ScanU32(s.temp.scan).ExclusiveSum(static_cast<uint32_t>(keep), place, total);
      if (keep) lane.window_links[record.first_other_link + kept_other_links + place] = link;
      kept_other_links += total;
      __syncthreads();
    }
    for (uint32_t first = 0; first < record.links; first += kThreads) {
      const uint32_t i = first + threadIdx.x;
      uint4 link{};
      bool keep = i < record.links;
      if (keep) {
        link = lane.window_links[record.first_link + i];
        const float extra = extra_of(link);
        keep = InLattice(extra, beam);
        if (keep && before != nullptr) atomicMin(before + link.x, __float_as_uint(extra));
      }
      __syncthreads();  // the tile has been read
      const uint32_t place = AppendPlace(keep, &s.kept_links);
      if (keep) lane.window_links[record.first_link + place] = link;
    }
    const bool last = r + 1 == records;
    for (uint32_t first = 0; first < record.tokens; first += kThreads) {
      const uint32_t t = first + threadIdx.x;
      const bool keep = t < record.tokens && (last || InLattice(__uint_as_float(here[t]), beam));
      const uint64_t key = keep ? lane.window_keys[record.first_token + t] : 0;
      const bool move_cost = keep && record.carried;
      const float acoustic_cost = move_cost ? lane.window_acoustic_costs[record.first_token + t] : 0;
      if (last) {
        if (keep) here[t] = t;
        continue;
      }
      __syncthreads();  // the tile has been read
      const uint32_t number = AppendPlace(keep, &s.kept_tokens);
      if (keep) {
        here[t] = number;
        lane.window_keys[record.first_token + number] = key;
        if (move_cost) lane.window_acoustic_costs[record.first_token + number] = acoustic_cost;
      }
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      lane.records[r].links = s.kept_links;
      lane.records[r].other_links = kept_other_links;
      if (!last) lane.records[r].tokens = s.kept_tokens;
    }
  }
  __syncthreads();
}

/// Tokens of the segment of the first `count` records whose costs go with it: those of the frontier.
__device__ __forceinline__ uint32_t FrontierCosts(const Lane& lane, uint32_t count) {
  return count > 0 && count == lane.s.window_records ? lane.s.state.token_count : 0;
}

/// Bytes of the segment of the first `count` records; for thread 0.
__device__ inline uint64_t SegmentBytes(const Lane& lane, uint32_t count) {
  uint64_t bytes = sizeof(SegmentHeader) + PadTo8(uint64_t{lane.s.leading_collapsed} * 4) +
                   PadTo8(uint64_t{FrontierCosts(lane, count)} * 4) + count * sizeof(SegmentRecord);
  for (uint32_t r = 0; r < count; ++r) {
    const LaneRecord& record = lane.records[r];
    bytes += uint64_t{record.tokens} * 8 +
             PadTo8(uint64_t{record.links + record.other_links} * sizeof(LaneLink)) +
             PadTo8(uint64_t{record.collapsed} * 4);
  }
  return bytes;
}

/// A link of a pruned window with the new numbers of its tokens. `before` is null for the first record.
__device__ __forceinline__ uint4 Renumbered(uint4 link, const uint32_t* source_numbers,
                                            const uint32_t* numbers) {
  if (source_numbers != nullptr) link.x = source_numbers[link.x];
  link.y = numbers[link.y];
  return link;
}

/// Writes the first `count` records of a pruned window.
__device__ inline void WriteSegment(Lane& lane, uint32_t count, std::byte* output, uint64_t bytes) {
  Shared& s = lane.s;
  if (threadIdx.x == 0) {
    *reinterpret_cast<SegmentHeader*>(output) = {
        bytes, s.work, s.segments, count, s.leading_collapsed, FrontierCosts(lane, count), 0};
  }
  output += sizeof(SegmentHeader);
  for (uint32_t i = threadIdx.x; i < s.leading_collapsed; i += kThreads) {
    reinterpret_cast<float*>(output)[i] =
        lane.scores[(s.leading_row + static_cast<int64_t>(i)) * lane.stride];
  }
  output += PadTo8(uint64_t{s.leading_collapsed} * 4);
  auto* const segment_records = reinterpret_cast<SegmentRecord*>(output);
  for (uint32_t r = threadIdx.x; r < count; r += kThreads) {
    const LaneRecord& record = lane.records[r];
    segment_records[r] = {record.tokens, record.links, record.other_links, record.collapsed};
  }
  output += count * sizeof(SegmentRecord);

  const uint32_t* before = nullptr;
  for (uint32_t r = 0; r < count; ++r) {
    const LaneRecord record = LoadRecord(lane, r);
    const uint64_t* const record_keys = lane.window_keys + record.first_token;
    const uint32_t* const numbers = lane.window_extra + record.first_token;
    auto* const keys = reinterpret_cast<uint64_t*>(output);
    for (uint32_t t = threadIdx.x; t < record.tokens; t += kThreads) keys[t] = record_keys[t];
    output += uint64_t{record.tokens} * 8;
    auto* const links = reinterpret_cast<LaneLink*>(output);
    for (uint32_t i = threadIdx.x; i < record.links + record.other_links; i += kThreads) {
      const bool emitting = i < record.links;
      const uint32_t place = emitting ? record.first_link + i : record.first_other_link + (i - record.links);
      const uint4 link = Renumbered(lane.window_links[place], emitting ? before : numbers, numbers);
      const uint32_t unit = static_cast<uint32_t>(record_keys[link.y]) & 0xFFFF;
      float acoustic_cost = 0;
      if (emitting) {
        acoustic_cost = record.carried ? lane.window_acoustic_costs[record.first_token + link.y]
                                       : lane.scores[record.row * lane.stride + unit];
      }
      links[i] = {link.x, link.y, link.z, __uint_as_float(link.w), acoustic_cost};
    }
    output += PadTo8(uint64_t{record.links + record.other_links} * sizeof(LaneLink));
    for (uint32_t i = threadIdx.x; i < record.collapsed; i += kThreads) {
      reinterpret_cast<float*>(output)[i] = CollapsedCost(lane, record, i);
    }
    output += PadTo8(uint64_t{record.collapsed} * 4);
    before = numbers;
  }
  for (uint32_t t = threadIdx.x; t < FrontierCosts(lane, count); t += kThreads) {
    reinterpret_cast<float*>(output)[t] = lane.key_costs[t];
  }
}

/// Moves the records of a pruned window from number `count` on to its front, with the new numbers of tokens.
/// Everything moves down, so records and tiles in their order never overwrite what is yet to move.
__device__ inline void KeepRecords(Lane& lane, uint32_t count) {
  Shared& s = lane.s;
  const uint32_t records = s.window_records;
  uint32_t end_token = 0, end_link = 0;
  const uint32_t* before = count > 0 ? lane.window_extra + lane.records[count - 1].first_token : nullptr;
  __syncthreads();
  for (uint32_t r = count; r < records; ++r) {
    LaneRecord record = LoadRecord(lane, r);
    const uint32_t* const numbers = lane.window_extra + record.first_token;
    const uint32_t first_token = end_token, first_link = end_link;
    for (uint32_t first = 0; first < record.tokens; first += kThreads) {
      const uint32_t t = first + threadIdx.x;
      const bool valid = t < record.tokens;
      const uint64_t key = valid ? lane.window_keys[record.first_token + t] : 0;
      const bool move_cost = valid && record.carried;
      const float acoustic_cost = move_cost ? lane.window_acoustic_costs[record.first_token + t] : 0;
      __syncthreads();
      if (valid) lane.window_keys[first_token + t] = key;
      if (move_cost) lane.window_acoustic_costs[first_token + t] = acoustic_cost;
    }
    const uint32_t links = record.links + record.other_links;
    for (uint32_t first = 0; first < links; first += kThreads) {
      const uint32_t i = first + threadIdx.x;
      uint4 link{};
      if (i < links) {
        const bool emitting = i < record.links;
        const uint32_t place =
            emitting ? record.first_link + i : record.first_other_link + (i - record.links);
        link = Renumbered(lane.window_links[place], emitting ? before : numbers, numbers);
      }
      __syncthreads();
      if (i < links) lane.window_links[first_link + i] = link;
    }
    end_token += record.tokens;
    end_link += links;
    record.first_token = first_token;
    record.first_link = first_link;
    record.first_other_link = first_link + record.links;
    __syncthreads();
    if (threadIdx.x == 0) lane.records[r - count] = record;
    if (r + 1 == records) lane.keys = lane.window_keys + first_token;
    before = numbers;
  }
  if (threadIdx.x == 0) {
    s.window_records = records - count;
    s.window_tokens = end_token;
    s.window_links = end_link;
  }
  __syncthreads();
}

/// Saves the frontier in the channel, with a window of so many records carried: what was written so far
/// counts.
__device__ inline void Commit(Lane& lane, uint32_t carried_records) {
  Shared& s = lane.s;
  if (lane.keys != lane.channel_keys) {
    for (uint32_t t = threadIdx.x; t < s.state.token_count; t += kThreads) {
      lane.channel_keys[t] = lane.keys[t];
      lane.channel_costs[t] = lane.key_costs[t];
    }
    lane.keys = lane.channel_keys;
    lane.key_costs = lane.channel_costs;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    s.state.carried_records = carried_records;
    s.committed = s.state;
    s.rows_committed = s.row;
    s.segments_committed = s.segments;
    s.begun = 1;
    s.window_records = 0;
    s.window_tokens = 0;
    s.window_links = 0;
  }
  __syncthreads();
}

/// Writes the pruned window to the output but for the last `keep` records, which only their future prunes
/// well. Where none are kept, commits. False where the output is full.
__device__ inline bool WriteWindow(Lane& lane, uint32_t keep) {
  Shared& s = lane.s;
  const uint32_t count = s.window_records - keep;
  if (count > 0 || s.leading_collapsed > 0) {
    if (threadIdx.x == 0) {
      const uint64_t bytes = SegmentBytes(lane, count);
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
      s.segment_bytes = bytes;
    }
    __syncthreads();
    if (s.segment_offset == ~0ull) return false;
    WriteSegment(lane, count, lane.plan.output + s.segment_offset, s.segment_bytes);
    __syncthreads();
    if (threadIdx.x == 0) {
      s.leading_collapsed = 0;
      ++s.segments;
    }
  }
  if (keep > 0) {
    KeepRecords(lane, count);
  } else {
    Commit(lane, 0);
  }
  return true;
}

/// Prunes and writes the window.
__device__ inline bool FlushWindow(Lane& lane, uint32_t keep) {
  __syncthreads();
  if (lane.s.window_records == 0 && lane.s.leading_collapsed == 0) return true;
  PruneWindow(lane);
  return WriteWindow(lane, keep);
}

/// Leaves the last records of the window, as many as there is room for, to the next launch, writes those
/// before, and commits. False where the output is full.
__device__ inline bool CarryWindow(Lane& lane) {
  __syncthreads();
  if (lane.s.window_records == 0 && lane.s.leading_collapsed == 0) return true;
  PruneWindow(lane);
  const uint32_t carried = CountCarriedRecords(lane);
  if (!WriteWindow(lane, carried)) return false;
  if (carried > 0) {
    SaveWindow(lane);
    Commit(lane, carried);
  }
  return true;
}

}  // namespace skald::lane
