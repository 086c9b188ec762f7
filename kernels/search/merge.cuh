#pragma once

#include "kernels/search/expand.cuh"
#include "kernels/search/lane.cuh"

// From candidates to the slots of a frame: merging, epsilon arcs.

namespace skald::lane {

/// Lowers the cost of a token, making it where it is new; returns its slot. Where there is no room the frame
/// fails.
__device__ __forceinline__ uint32_t Relax(Lane& lane, unsigned long long key, float cost,
                                          uint32_t epsilon_rank) {
  bool fresh;
  const uint32_t slot = lane.hash.FindOrInsert(key, &fresh);
  if (slot == TokenHash::kNoSlot) {
    atomicMax(&lane.counts.tokens, lane.plan.capacities.tokens + 1);
    return slot;
  }
  atomicMin(lane.hash.Cost(slot), OrderedFromFloat(cost));
  if (fresh) {
    const uint32_t token = atomicAdd(&lane.counts.tokens, 1u);
    if (token < lane.plan.capacities.tokens) {
      lane.used_slots[token] = slot;
      if (key & kLaneEntryBit) {
        lane.entries[atomicAdd(&lane.counts.entries, 1u)] =
            make_uint4(token, slot, epsilon_rank, static_cast<uint32_t>(key & 0xFFFF));
      }
    }
  }
  return slot;
}

/// Makes the tokens that the kept candidates lead to; a candidate's block becomes its token's slot.
__device__ inline void MergeCandidates(Lane& lane) {
  Shared& s = lane.s;
  uint32_t kept_count = 0;
  const uint32_t candidates = lane.counts.candidates;
  for (uint32_t c = lane.share_first + threadIdx.x; c < candidates; c += lane.share_stride) {
    const uint4 candidate = lane.Candidate(c);
    const float cost = __uint_as_float(candidate.w);
    bool keep = lane.Keeps(cost);
    if (keep && s.ties_cut) keep = !PlaceAbove(PlaceOf(lane, candidate), s.last_kept);
    uint32_t slot = TokenHash::kNoSlot;
    if (keep) {
      ++kept_count;
      unsigned long long key = static_cast<unsigned long long>(candidate.y) << 17 | lane.CandidateUnit(c);
      if (s.boost.states != nullptr) {
        const uint32_t word =
            candidate.z < kLaneEntryCell ? LoadCell<GraphArc>(lane.plan.cells, candidate.z).word : 0;
        key |= lane.BoostBits(word, static_cast<uint32_t>(lane.keys[candidate.x] >> kLaneBoostShift));
      }
      uint32_t rank = 0;
      if (candidate.z < kLaneEntryCell) {
        const StateHeader header = LoadCell<StateHeader>(lane.plan.cells, candidate.y);
        if (header.flags & kStateHasEpsilonArcs) key |= kLaneEntryBit;
        rank = header.epsilon_rank;
      }
      slot = Relax(lane, key, cost, rank);
    }
    lane.Candidate(c).y = slot;
  }
  kept_count = __reduce_add_sync(0xFFFFFFFFu, kept_count);
  if ((threadIdx.x & 31) == 0) atomicAdd(&lane.counts.kept_candidates, kept_count);
  __syncthreads();
}

/// Follows the epsilon arcs of those of the first `count` entry states that have this rank: all that lead to
/// them have been followed before.
__device__ inline void FollowRank(Lane& lane, uint32_t rank, uint32_t count) {
  Shared& s = lane.s;
  const LaneSearchPlan& plan = lane.plan;
  const int warp_lane = threadIdx.x & 31;
  for (uint32_t first = lane.share_first; first < count; first += lane.share_stride) {
    const uint32_t e = first + threadIdx.x;
    uint32_t degree = 0;
    if (e < count && lane.entries[e].z == rank) {
      const uint4 entry = lane.entries[e];
      lane.entries[e].z = 0xFFFFFFFFu;
      const unsigned long long key = *lane.hash.Key(entry.y);
      const uint32_t block = static_cast<uint32_t>(key >> 17);
      const uint32_t arc_counts = lane.Header(block).arc_counts;
      degree = (arc_counts >> 20) + 1;  // the last one leads to the state proper
      s.tile_cell[threadIdx.x] = block + 1 + (arc_counts & 0xFFFFFu);
      s.tile_block[threadIdx.x] = block;
      s.tile_token[threadIdx.x] = entry.x;
      s.tile_cost[threadIdx.x] = FloatFromOrdered(*lane.hash.Cost(entry.y));
      s.tile_unit[threadIdx.x] = static_cast<uint16_t>(entry.w);
      s.tile_boost[threadIdx.x] = static_cast<uint16_t>(key >> kLaneBoostShift);
    }
    uint32_t position, total;
    ScanU32(s.temp.scan).ExclusiveSum(degree, position, total);
    s.tile_first[threadIdx.x] = position;
    if (threadIdx.x == 0) s.tile_first[kThreads] = total;
    __syncthreads();
    for (uint32_t warp_first = threadIdx.x - warp_lane; warp_first < total; warp_first += kThreads) {
      const uint32_t a = warp_first + warp_lane;
      uint4 link{};
      bool valid = a < total;
      if (valid) {
        const int tile_token = TileToken(s, a);
        const uint32_t unit = s.tile_unit[tile_token], boost = s.tile_boost[tile_token];
        uint32_t cell = s.tile_cell[tile_token] + (a - s.tile_first[tile_token]);
        float cost = s.tile_cost[tile_token];
        unsigned long long key = 0;
        uint32_t next_rank = 0;
        if (a + 1 == s.tile_first[tile_token + 1]) {
          cell = kLaneEntryCell;
          key = static_cast<unsigned long long>(s.tile_block[tile_token]) << 17 | unit |
                lane.BoostBits(0, boost);
          valid = lane.Keeps(cost);
        } else {
          const GraphArc arc = LoadCell<GraphArc>(plan.cells, cell);
          cost = cost + lane.Weight(arc, boost);
          valid = lane.Keeps(cost);
          if (valid) {
            const StateHeader header = LoadCell<StateHeader>(plan.cells, arc.next_block);
            key = static_cast<unsigned long long>(arc.next_block) << 17 | unit |
                  lane.BoostBits(arc.word, boost);
            if (header.flags & kStateHasEpsilonArcs) key |= kLaneEntryBit;
            next_rank = header.epsilon_rank;
          }
        }
        if (valid)
          link = make_uint4(s.tile_token[tile_token], Relax(lane, key, cost, next_rank), cell,
                            __float_as_uint(cost));
      }
      const uint32_t place = AppendPlace(valid, &lane.counts.other_links);
      if (valid && place < plan.capacities.other_links) lane.other_links[place] = link;
    }
    __syncthreads();
  }
}

/// Follows epsilon arcs, entry states of least rank first. Links keep that order.
__device__ inline void FollowEpsilons(Lane& lane) {
  Shared& s = lane.s;
  for (;;) {
    __syncthreads();
    const uint32_t count = lane.counts.entries;
    if (count == 0 || lane.counts.tokens > lane.plan.capacities.tokens) break;
    int rank = 0x7FFFFFFF;
    for (uint32_t e = threadIdx.x; e < count; e += kThreads) {
      rank = min(rank, static_cast<int>(min(lane.entries[e].z, 0x7FFFFFFFu)));
    }
    rank = MinInt(s.temp.min_int).Reduce(rank, cuda::minimum<>{});
    if (threadIdx.x == 0) s.broadcast = rank;
    __syncthreads();
    rank = s.broadcast;
    if (rank == 0x7FFFFFFF) break;
    FollowRank(lane, static_cast<uint32_t>(rank), count);
  }
  __syncthreads();
}

}  // namespace skald::lane
