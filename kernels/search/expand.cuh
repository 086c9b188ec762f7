#pragma once

#include "kernels/search/lane.cuh"

// From the frontier to the candidates of the next frame: limit of active tokens, arcs, cap.

namespace skald::lane {

__device__ __forceinline__ uint32_t SortableBits(float value) {
  return static_cast<uint32_t>(OrderedFromFloat(value == 0.0f ? 0.0f : value)) ^ 0x80000000u;
}

/// Of the sortable bits bits_of(0..count-1), the rank-th least (from 1), selected digit by digit.
template <typename BitsOf>
__device__ inline uint32_t SelectBits(Shared& s, uint32_t count, uint32_t rank, BitsOf bits_of) {
  uint32_t prefix = 0;
  constexpr int kShifts[3] = {21, 10, 0};
  constexpr uint32_t kDigits[3] = {0x7FFu, 0x7FFu, 0x3FFu};
  for (int digit = 0; digit < 3; ++digit) {
    ClearHistogram(s);
    for (uint32_t i = threadIdx.x; i < count; i += kThreads) {
      const uint32_t bits = bits_of(i);
      if (digit > 0 && (bits ^ prefix) >> kShifts[digit - 1] != 0) continue;
      atomicAdd(&s.histogram[(bits >> kShifts[digit]) & kDigits[digit]], 1u);
    }
    PickBin(s, rank);
    prefix |= s.picked_bin << kShifts[digit];
    rank -= s.picked_below;
  }
  return prefix;
}

/// The cut where max_active does not bind; for thread 0.
__device__ __forceinline__ void SetBeamCut(Lane& lane) {
  lane.s.cut = lane.least_cost + lane.plan.beam;
  lane.s.width = lane.plan.beam;
  lane.s.max_active_bound = 0;
}

/// Tightens the cut to the max_active-th least cost; for thread 0.
__device__ __forceinline__ void SetActiveCut(Lane& lane, float nth) {
  Shared& s = lane.s;
  if (!(nth < s.cut)) return;
  s.cut = nth;
  s.width = nth - lane.least_cost + 0.5f;
  s.max_active_bound = 1;
}

/// Sets s.cut and s.width: BeamSearch::LimitActive.
__device__ inline void LimitActive(Lane& lane) {
  Shared& s = lane.s;
  if (threadIdx.x == 0) SetBeamCut(lane);
  if (s.state.active > lane.plan.max_active) {
    const uint32_t nth = SelectBits(s, s.state.token_count, lane.plan.max_active,
                                    [&](uint32_t t) { return SortableBits(lane.key_costs[t]); });
    if (threadIdx.x == 0) SetActiveCut(lane, FloatFromOrdered(static_cast<int>(nth ^ 0x80000000u)));
  }
  __syncthreads();
}

/// Sets the least cost of a candidate to that of any of the best token's: a bound that rejects most others at
/// once.
__device__ inline void SeedLeast(Lane& lane) {
  Shared& s = lane.s;
  if (s.state.active == 0) {  // a beam below the resolution of the costs kept nothing
    if (threadIdx.x == 0) lane.counts.least_ordered = static_cast<int>(kInfinityBits);
    __syncthreads();
    return;
  }
  if (threadIdx.x == 0) {
    s.best_key = lane.keys[s.state.best_token];
    s.best_cost = lane.key_costs[s.state.best_token];
    s.best_arcs = lane.Header(static_cast<uint32_t>(s.best_key >> 17)).arc_counts & 0xFFFFFu;
  }
  __syncthreads();
  const uint64_t key = s.best_key;
  const float cost = s.best_cost;
  const uint32_t block = static_cast<uint32_t>(key >> 17), unit = key & 0xFFFF;
  const uint32_t boost = static_cast<uint32_t>(key >> kLaneBoostShift);
  const uint32_t arcs = s.best_arcs;
  float least = cost + lane.Score(0);
  if (unit != 0) least = fminf(least, cost + lane.Score(unit));
  for (uint32_t a = threadIdx.x; a < arcs; a += kThreads) {
    const GraphArc arc = LoadCell<GraphArc>(lane.plan.cells, block + 1 + a);
    if (arc.unit != unit) least = fminf(least, cost + (lane.Weight(arc, boost) + lane.Score(arc.unit)));
  }
  const int ordered = MinInt(s.temp.min_int).Reduce(OrderedFromFloat(least), cuda::minimum<>{});
  if (threadIdx.x == 0) lane.counts.least_ordered = ordered;
  __syncthreads();
}

/// Lists the units that the best token could use within `bound`. In states of many arcs it may be cheaper to
/// look these up than to try every arc.
__device__ inline void ListLiveUnits(Lane& lane, float bound) {
  Shared& s = lane.s;
  const LaneSearchPlan& plan = lane.plan;
  if (threadIdx.x == 0) s.live_units = s.many_arcs[0] = s.many_arcs[1] = 0;
  __syncthreads();
  for (uint32_t first = threadIdx.x & ~31u; first < plan.units; first += kThreads) {
    const uint32_t unit = first + (threadIdx.x & 31);
    const bool live =
        unit > 0 && unit < plan.units && lane.least_cost + (s.least_arc_cost + lane.Score(unit)) < bound;
    const uint32_t place = AppendPlace(live, &s.live_units);
    if (live && place < kMaxLiveUnits) s.live_unit[place] = static_cast<uint16_t>(unit);
  }
  __syncthreads();
}

/// First of `count` arcs from `cell` on, sorted by unit, whose unit is at least `unit`.
__device__ __forceinline__ uint32_t LowerBound(const GraphCell* cells, uint32_t cell, uint32_t count,
                                               uint32_t unit) {
  uint32_t low = 0;
  while (count > 0) {
    const uint32_t half = count / 2;
    if (LoadCell<GraphArc>(cells, cell + low + half).unit < unit) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return cell + low;
}

enum class Pass {
  kCollect,      ///< find the least cost; collect what is within the beam of the least seen so far
  kCount,        ///< histogram of what is below the threshold
  kCollectKept,  ///< collect what Keeps
};

/// Visits all arcs, blanks and repeats of the tokens within the cut, every thread an equal share of a tile's
/// arcs whatever the degrees of its tokens.
template <Pass kPass>
__device__ inline void VisitArcs(Lane& lane) {
  Shared& s = lane.s;
  const LaneSearchPlan& plan = lane.plan;
  const int warp_lane = threadIdx.x & 31;
  const float cut = s.cut, width = s.width;
  const float least_arc_score = s.least_arc_cost + s.least_unit_score;
  const volatile int& known_least = lane.counts.least_ordered;  // other blocks may lower it
  int least = kPass == Pass::kCollect ? known_least : 0;
  float bound = kPass == Pass::kCollect ? FloatFromOrdered(least) + width : s.threshold;
  ListLiveUnits(lane, bound);
  const uint32_t live_units = s.live_units;

  // By whole warps.
  const auto offer = [&](bool valid, float cost, uint32_t token, uint32_t block, uint32_t unit,
                         uint32_t cell) {
    valid = valid && cost < bound;
    if (!__any_sync(0xFFFFFFFFu, valid)) return;
    if (kPass == Pass::kCount) {
      if (valid) atomicAdd(&s.histogram[lane.CapBin(cost)], 1u);
      return;
    }
    if (kPass == Pass::kCollect) {
      const int warp_least = __reduce_min_sync(0xFFFFFFFFu, valid ? OrderedFromFloat(cost) : least);
      if (warp_least < least) {
        least = warp_least;
        bound = FloatFromOrdered(least) + width;
      }
      valid = valid && cost < bound;
    } else {
      valid = valid && lane.Keeps(cost);
    }
    const uint32_t place = AppendPlace(valid, &lane.counts.candidates);
    if (valid && place < plan.capacities.candidates) {
      lane.Candidate(place) = make_uint4(token, block, cell, __float_as_uint(cost));
      lane.CandidateUnit(place) = static_cast<uint16_t>(unit);
    }
  };

  const uint32_t token_count = s.state.token_count;
  uint32_t turn = 0;
  for (uint32_t first = lane.share_first; first < token_count; first += lane.share_stride, turn ^= 1) {
    const uint32_t token = first + threadIdx.x;
    uint32_t degree = 0, block = 0, unit = 0, boost = 0;
    float cost = 0;
    bool active = false;
    if (token < token_count) {
      const uint64_t key = lane.keys[token];
      cost = lane.key_costs[token];
      active = (key & kLaneEntryBit) == 0 && cost <= cut;
      block = static_cast<uint32_t>(key >> 17);
      unit = key & 0xFFFF;
      boost = static_cast<uint32_t>(key >> kLaneBoostShift);
      if (active && cost + least_arc_score < bound) degree = lane.Header(block).arc_counts & 0xFFFFFu;
    }
    if (degree >= kManyArcs && live_units <= kMaxLiveUnits && degree >= kArcsForALookup * live_units) {
      const uint32_t place = atomicAdd(&s.many_arcs[turn], 1u);
      s.many_token[place] = static_cast<uint16_t>(threadIdx.x);
      s.many_degree[place] = degree;
      degree = 0;
    }
    uint32_t position, total;
    ScanU32(s.temp.scan).ExclusiveSum(degree, position, total);
    s.tile_first[threadIdx.x] = position;
    s.tile_cell[threadIdx.x] = block + 1;
    s.tile_token[threadIdx.x] = token;
    s.tile_cost[threadIdx.x] = cost;
    s.tile_unit[threadIdx.x] = static_cast<uint16_t>(unit);
    s.tile_boost[threadIdx.x] = static_cast<uint16_t>(boost);
    offer(active, active ? cost + lane.Score(0) : 0, token, block, 0, kLaneBlankCell);
    offer(active && unit != 0, active ? cost + lane.Score(unit) : 0, token, block, unit, kLaneRepeatCell);
    __syncthreads();
    for (uint32_t warp_first = threadIdx.x - warp_lane; warp_first < total; warp_first += kThreads) {
      const uint32_t a = warp_first + warp_lane;
      bool valid = a < total;
      uint32_t tile_token = 0, cell = 0;
      float arc_cost = 0;
      GraphArc arc{};
      if (valid) {
        tile_token = TileToken(s, a);
        cell = s.tile_cell[tile_token] + (a - s.tile_first[tile_token]);
        arc = LoadCell<GraphArc>(plan.cells, cell);
        valid = arc.unit != s.tile_unit[tile_token];
        arc_cost =
            s.tile_cost[tile_token] + (lane.Weight(arc, s.tile_boost[tile_token]) + lane.Score(arc.unit));
      }
      offer(valid, arc_cost, valid ? s.tile_token[tile_token] : 0, arc.next_block, arc.unit, cell);
    }
    // Of a state with many arcs, only the runs of live units.
    const uint32_t lookups = s.many_arcs[turn] * live_units;
    for (uint32_t warp_first = threadIdx.x - warp_lane; warp_first < lookups; warp_first += kThreads) {
      const uint32_t lookup = warp_first + warp_lane;
      uint32_t tile_token = 0, unit = 0, cell = 0, end = 0;
      if (lookup < lookups) {
        const uint32_t many = lookup / live_units;
        tile_token = s.many_token[many];
        unit = s.live_unit[lookup - many * live_units];
        if (unit != s.tile_unit[tile_token]) {
          const uint32_t first_cell = s.tile_cell[tile_token];
          end = first_cell + s.many_degree[many];
          cell = LowerBound(plan.cells, first_cell, s.many_degree[many], unit);
        }
      }
      while (__any_sync(0xFFFFFFFFu, cell < end)) {
        GraphArc arc{};
        if (cell < end) arc = LoadCell<GraphArc>(plan.cells, cell);
        const bool valid = cell < end && arc.unit == unit;
        if (!valid) end = 0;
        const float arc_cost =
            valid ? s.tile_cost[tile_token] + (lane.Weight(arc, s.tile_boost[tile_token]) + lane.Score(unit))
                  : 0;
        offer(valid, arc_cost, s.tile_token[tile_token], arc.next_block, unit, cell);
        ++cell;
      }
    }
    if (threadIdx.x == 0) s.many_arcs[turn ^ 1] = 0;
    if (kPass == Pass::kCollect && warp_lane == 0) atomicMin(&lane.counts.least_ordered, least);
    if (kPass == Pass::kCollect && threadIdx.x == 0) atomicAdd(&lane.counts.arcs_tried, total + lookups);
    __syncthreads();
    if (kPass == Pass::kCollect) {
      least = known_least;
      bound = FloatFromOrdered(least) + width;
    }
  }
}

/// How many the histogram counts.
__device__ inline uint32_t CountHistogram(Shared& s) {
  uint32_t total = 0, below;
  for (int i = threadIdx.x; i < kBins; i += kThreads) total += s.histogram[i];
  ScanU32(s.temp.scan).ExclusiveSum(total, below, total);
  return total;
}

/// Where more than max_arcs candidates are counted in the histogram of the cap, sets last_bin:
/// BeamSearch::ApplyCap.
__device__ inline void CapFromHistogram(Lane& lane, uint32_t total) {
  Shared& s = lane.s;
  __syncthreads();
  if (total <= lane.plan.max_arcs) return;
  PickBin(s, lane.plan.max_arcs + 1);  // the first bin that does not fit with those below
  const uint32_t bins = s.picked_bin;
  if (threadIdx.x == 0) {
    s.last_bin = bins > 0 ? static_cast<int>(bins) - 1 : 0;
    s.capped = 1;
    s.capped_width = static_cast<float>(bins) / static_cast<float>(kBins) * s.width;
    s.ties_cut = bins == 0;
  }
  __syncthreads();
}

__device__ __forceinline__ CandidatePlace PlaceOf(const Lane& lane, uint4 candidate) {
  const uint64_t key = lane.keys[candidate.x];
  return {{SortableBits(__uint_as_float(candidate.w)),
           lane.Header(static_cast<uint32_t>(key >> 17)).orig_state,
           static_cast<uint32_t>(key >> kLaneBoostShift) << 16 | static_cast<uint32_t>(key & 0xFFFF),
           candidate.z}};
}

__device__ __forceinline__ bool PlaceAbove(const CandidatePlace& a, const CandidatePlace& b) {
  for (int w = 0; w < 4; ++w) {
    if (a.word[w] != b.word[w]) return a.word[w] > b.word[w];
  }
  return false;
}

/// The lowest bin alone exceeds the cap: finds the max_arcs-th of its candidates by place, 11 bits at a time.
__device__ inline void CutTies(Lane& lane) {
  Shared& s = lane.s;
  uint32_t rank = lane.plan.max_arcs;
  CandidatePlace prefix{};
  for (int word = 0; word < 4; ++word) {
    for (int digit = 0; digit < 3; ++digit) {
      const int shift = 21 - 11 * digit < 0 ? 0 : 21 - 11 * digit;  // 21, 10, 0
      const uint32_t digit_mask = digit == 2 ? 0x3FFu : 0x7FFu;
      const uint32_t known = digit == 0 ? 0 : ~0u << (digit == 1 ? 21 : 10);
      ClearHistogram(s);
      for (uint32_t c = threadIdx.x; c < lane.counts.candidates; c += kThreads) {
        const uint4 candidate = lane.Candidate(c);
        if (!lane.Keeps(__uint_as_float(candidate.w))) continue;
        const CandidatePlace place = PlaceOf(lane, candidate);
        bool match = ((place.word[word] ^ prefix.word[word]) & known) == 0;
        for (int w = 0; w < word; ++w) match = match && place.word[w] == prefix.word[w];
        if (match) atomicAdd(&s.histogram[(place.word[word] >> shift) & digit_mask], 1u);
      }
      PickBin(s, rank);
      prefix.word[word] |= s.picked_bin << shift;
      rank -= s.picked_below;
    }
  }
  if (threadIdx.x == 0) s.last_kept = prefix;
  __syncthreads();
}

/// Collects the candidates that the beam and the cap keep, or more: MergeCandidates drops the rest. False
/// where the lane cannot hold them.
__device__ inline bool CollectCandidates(Lane& lane) {
  Shared& s = lane.s;
  const uint32_t capacity = lane.plan.capacities.candidates;
  if (threadIdx.x == 0) {
    lane.counts.candidates = 0;
    s.last_bin = -1;
    s.ties_cut = 0;
    s.capped = 0;
    lane.counts.arcs_tried = 0;
  }
  SeedLeast(lane);
  VisitArcs<Pass::kCollect>(lane);
  const uint32_t collected = lane.counts.candidates;
  if (threadIdx.x == 0) lane.SetThreshold();
  if (collected > lane.plan.max_arcs || collected > capacity) {
    ClearHistogram(s);
    if (collected <= capacity) {
      for (uint32_t c = threadIdx.x; c < collected; c += kThreads) {
        const float cost = __uint_as_float(lane.Candidate(c).w);
        if (cost < s.threshold) atomicAdd(&s.histogram[lane.CapBin(cost)], 1u);
      }
    } else {
      VisitArcs<Pass::kCount>(lane);
    }
    __syncthreads();
    CapFromHistogram(lane, CountHistogram(s));
    if (collected > capacity) {
      if (threadIdx.x == 0) lane.counts.candidates = 0;
      __syncthreads();
      VisitArcs<Pass::kCollectKept>(lane);
      if (lane.counts.candidates > capacity) {
        if (threadIdx.x == 0) s.needed.candidates = lane.counts.candidates;
        return false;
      }
    }
    if (s.ties_cut) CutTies(lane);
  }
  __syncthreads();
  return true;
}

}  // namespace skald::lane
