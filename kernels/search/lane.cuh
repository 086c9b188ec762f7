#pragma once

#include <cub/block/block_reduce.cuh>
#include <cub/block/block_scan.cuh>
#include <cuda/functional>

#include "kernels/common/ordered_float.cuh"
#include "kernels/search/lane_search.h"
#include "kernels/search/token_hash.cuh"

namespace skald::lane {

constexpr int kThreads = kLaneThreads;
constexpr int kBins = 2048;  // of the cap's histogram, and of a digit of the selections
constexpr uint32_t kManyArcs =
    64;  // from which on units may be looked up, where each stands for this many arcs:
constexpr uint32_t kArcsForALookup = 12;
constexpr uint32_t kMaxLiveUnits = 256;
constexpr uint32_t kSharedCandidates = 512;  // most frames have fewer; with more, an SM holds fewer lanes
constexpr uint32_t kInfinityBits = 0x7F800000u;

__device__ __forceinline__ float Infinity() { return __uint_as_float(kInfinityBits); }

/// What a frame needs to know of its scores.
struct RowSummary {
  int least_unit;  ///< ordered nll' of the units other than blank
  uint32_t first_bad;
};
struct RowSummaryMin {
  __device__ RowSummary operator()(const RowSummary& a, const RowSummary& b) const {
    return {min(a.least_unit, b.least_unit), min(a.first_bad, b.first_bad)};
  }
};

/// What a frame needs to know of the tokens before it; entry states are not counted.
struct TokenSummary {
  int least;  ///< ordered
  uint32_t best_token;
  int greatest;  ///< ordered
  uint32_t active;
  uint32_t with_unit;
};
struct TokenSummaryJoin {
  __device__ TokenSummary operator()(const TokenSummary& a, const TokenSummary& b) const {
    TokenSummary sum = a.least < b.least || (a.least == b.least && a.best_token < b.best_token) ? a : b;
    sum.greatest = max(a.greatest, b.greatest);
    sum.active = a.active + b.active;
    sum.with_unit = a.with_unit + b.with_unit;
    return sum;
  }
};

using ScanU32 = cub::BlockScan<uint32_t, kThreads, cub::BLOCK_SCAN_WARP_SCANS>;
using MinInt = cub::BlockReduce<int, kThreads>;
using ReduceRow = cub::BlockReduce<RowSummary, kThreads>;
using ReduceTokens = cub::BlockReduce<TokenSummary, kThreads>;

/// Candidate of least place in the order (cost, source state, source unit, cell) that the cap drops is above
/// this one.
struct CandidatePlace {
  uint32_t word[4];
};

/// What the threads of a lane add up while a frame is made; read when all are done with what they add.
struct LaneCounts {
  int least_ordered;    ///< least cost of a candidate
  uint32_t candidates;  ///< also those for which there was no room, like the rest
  uint32_t kept_candidates;
  uint32_t arcs_tried;
  uint32_t tokens;
  uint32_t entries;
  uint32_t other_links;
  uint32_t links;  ///< of the window, the frame's emitting ones included
  uint32_t dropped_other_links;
  // The frame's tokens, entry states aside.
  unsigned long long least_token;  ///< sortable bits of the least cost, then the token
  int greatest;                    ///< ordered cost
  uint32_t active;
  uint32_t with_unit;
};

/// How far a lane has come with its work. In shared memory where one block owns the lane.
struct LaneProgress {
  ChannelState state;      ///< after the last frame processed
  ChannelState committed;  ///< when the window was last empty: what a failure falls back to
  LaneCapacities needed;
  uint64_t segment_offset;
  uint64_t segment_bytes;
  uint32_t segments;            ///< written
  uint32_t segments_committed;  ///< of these, up to the state committed
  uint64_t needed_output_bytes;
  LaneResult result;
  int32_t row;
  int32_t rows_committed;
  uint32_t begun;
  uint32_t bad_unit;
  uint32_t work;
  float least_arc_cost;  ///< of the work, like the boosts
  BoostTable boost;

  // The window in the making.
  uint32_t window_records;
  uint32_t window_tokens;
  uint32_t window_links;
  uint32_t leading_collapsed;  ///< frames collapsed while the window was empty
  int32_t leading_row;         ///< first row of the leading collapsed frames

  // The frame in the making.
  float least_unit_score;
  float cut;
  float width;
  float threshold;
  float least;  ///< of the candidates
  int last_bin;
  uint32_t ties_cut;  ///< whether the cap cuts within a bin, at last_kept
  CandidatePlace last_kept;
  uint32_t max_active_bound;
  uint32_t capped;
  float capped_width;
  LaneCounts counts;
};

/// A block's shared memory but for the token hash and the scores, which follow it.
struct Shared : LaneProgress {
  union {
    ScanU32::TempStorage scan;
    MinInt::TempStorage min_int;
    ReduceRow::TempStorage row;
    ReduceTokens::TempStorage tokens;
  } temp;

  uint32_t histogram[kBins];

  // The tile of tokens whose arcs are tried.
  uint32_t tile_first[kThreads + 1];  ///< position of the token's first arc among those of the tile
  uint32_t tile_cell[kThreads];       ///< its first arc's cell
  uint32_t tile_token[kThreads];
  uint32_t tile_block[kThreads];  ///< of entry states
  float tile_cost[kThreads];
  uint16_t tile_unit[kThreads];
  uint16_t tile_boost[kThreads];

  // Units worth a lookup, and the tile's tokens whose states have many arcs; their number by turns.
  uint32_t live_units;
  uint16_t live_unit[kMaxLiveUnits];
  uint32_t many_arcs[2];
  uint16_t many_token[kThreads];
  uint32_t many_degree[kThreads];

  // The best token of the frontier, read once for all threads.
  uint64_t best_key;
  float best_cost;
  uint32_t best_arcs;

  LaneRecord record[2];  ///< the one before that which all threads work at, and that one
  uint32_t kept_tokens;  ///< of the record being pruned
  uint32_t kept_links;
  // Results of block-wide selections.
  uint32_t picked_bin;
  uint32_t picked_below;
  uint32_t broadcast;
};

/// The first candidates of a frame, where one block makes it: most frames need no others.
struct SharedCandidates {
  uint4 candidate[kSharedCandidates];
  uint16_t unit[kSharedCandidates];
};

/// One thread's view of its lane. A lane is owned by one block, or in turns by several: then each takes a
/// share of the elements of a list, and what all have to see lies between launches.
struct Lane {
  const LaneSearchPlan& plan;
  Shared& s;
  LaneCounts& counts;
  uint32_t share_first;                 ///< the block's first element
  uint32_t share_stride;                ///< elements that all blocks take in a turn, kThreads each
  float* shared_scores;                 ///< null: the row is read from global memory
  SharedCandidates* shared_candidates;  ///< null: all are in global memory
  TokenHash hash;

  uint32_t* used_slots;
  float* costs[2];  ///< frontier and next, by turns
  uint4* candidates;
  uint16_t* candidate_units;
  uint4* entries;  ///< token, slot, epsilon rank or ~0 where done, unit
  uint4* other_links;
  uint64_t* window_keys;
  uint32_t* window_extra;
  float* window_acoustic_costs;    ///< of tokens of carried records
  float* carried_collapsed_costs;  ///< blank costs of carried records
  uint4* window_links;
  LaneRecord* records;
  uint64_t* channel_keys;
  float* channel_costs;
  std::byte* carried;

  // The frontier: tokens of the last record.
  const uint64_t* keys;
  const float* key_costs;
  int next_costs;  ///< index into costs

  const float* scores;  ///< of the chunk
  int64_t stride;
  const float* row;
  float blank;
  float least_cost;

  __device__ __forceinline__ bool InShared(uint32_t candidate) const {
    return shared_candidates != nullptr && candidate < kSharedCandidates;
  }
  /// Source token, block (later slot), cell and cost.
  __device__ __forceinline__ uint4& Candidate(uint32_t c) const {
    return InShared(c) ? shared_candidates->candidate[c] : candidates[c];
  }
  __device__ __forceinline__ uint16_t& CandidateUnit(uint32_t c) const {
    return InShared(c) ? shared_candidates->unit[c] : candidate_units[c];
  }
  /// nll' of a unit.
  __device__ __forceinline__ float Score(uint32_t unit) const {
    return shared_scores != nullptr ? shared_scores[unit] : (row[unit] - blank) - least_cost;
  }
  __device__ __forceinline__ const StateHeader& Header(uint32_t block) const {
    return reinterpret_cast<const StateHeader*>(plan.cells)[block];
  }
  /// Of an arc of a token in this state of the boost automaton.
  __device__ __forceinline__ float Weight(const GraphArc& arc, uint32_t boost_state) const {
    if (arc.word == 0) return arc.cost;
    const float weight = arc.cost + plan.word_penalty;
    return s.boost.states == nullptr ? weight : weight + StepBoost(s.boost, boost_state, arc.word).cost;
  }
  /// The boost automaton's state after an arc, in its place in a token's key.
  __device__ __forceinline__ unsigned long long BoostBits(uint32_t word, uint32_t boost_state) const {
    if (s.boost.states == nullptr) return 0;
    if (word != 0) boost_state = StepBoost(s.boost, boost_state, word).state;
    return static_cast<unsigned long long>(boost_state) << kLaneBoostShift;
  }
  __device__ __forceinline__ int CapBin(float cost) const {
    const float bin = (cost - s.least) * (static_cast<float>(kBins) / s.width);
    return bin < static_cast<float>(kBins) ? static_cast<int>(bin) : kBins - 1;
  }
  /// To be called once no candidate is to come.
  __device__ __forceinline__ void SetThreshold() const {
    s.least = FloatFromOrdered(counts.least_ordered);
    s.threshold = s.least + s.width;
  }
  __device__ __forceinline__ bool Keeps(float cost) const {
    return cost < s.threshold && (s.last_bin < 0 || CapBin(cost) <= s.last_bin);
  }
};

/// Points a lane to its scratch memory.
__device__ __forceinline__ void PlaceLane(Lane& lane, std::byte* memory) {
  const LaneSearchPlan& plan = lane.plan;
  lane.hash.spill_keys = reinterpret_cast<unsigned long long*>(memory + plan.layout.spill_keys);
  lane.hash.spill_costs = reinterpret_cast<int*>(memory + plan.layout.spill_costs);
  lane.hash.spill_slots = plan.layout.spill_slots;
  lane.hash.multiplier = plan.hash_multiplier;
  lane.used_slots = reinterpret_cast<uint32_t*>(memory + plan.layout.used_slots);
  lane.costs[0] = reinterpret_cast<float*>(memory + plan.layout.costs);
  lane.costs[1] = lane.costs[0] + plan.capacities.tokens;
  lane.candidates = reinterpret_cast<uint4*>(memory + plan.layout.candidates);
  lane.candidate_units = reinterpret_cast<uint16_t*>(memory + plan.layout.candidate_units);
  lane.entries = reinterpret_cast<uint4*>(memory + plan.layout.entries);
  lane.other_links = reinterpret_cast<uint4*>(memory + plan.layout.other_links);
  lane.window_keys = reinterpret_cast<uint64_t*>(memory + plan.layout.window_keys);
  lane.window_extra = reinterpret_cast<uint32_t*>(memory + plan.layout.window_extra);
  lane.window_acoustic_costs = reinterpret_cast<float*>(memory + plan.layout.window_acoustic_costs);
  lane.carried_collapsed_costs = reinterpret_cast<float*>(memory + plan.layout.carried_collapsed_costs);
  lane.window_links = reinterpret_cast<uint4*>(memory + plan.layout.window_links);
  lane.records = reinterpret_cast<LaneRecord*>(memory + plan.layout.records);
}

/// Record number r, read once for all threads and left in s.record[1], the one before it, if any, in
/// s.record[0]. By all threads.
__device__ __forceinline__ LaneRecord LoadRecord(const Lane& lane, uint32_t r) {
  constexpr uint32_t kWords = sizeof(LaneRecord) / 4;
  static_assert(sizeof(LaneRecord) % 4 == 0 && 2 * kWords <= kThreads);
  __syncthreads();
  if (threadIdx.x < 2 * kWords && (r > 0 || threadIdx.x >= kWords)) {
    reinterpret_cast<uint32_t*>(lane.s.record)[threadIdx.x] = reinterpret_cast<const uint32_t*>(
        lane.records + r)[static_cast<int>(threadIdx.x) - static_cast<int>(kWords)];
  }
  __syncthreads();
  return lane.s.record[1];
}

/// A cell is read with one 16-byte load.
template <typename Cell>
__device__ __forceinline__ Cell LoadCell(const GraphCell* cells, uint32_t cell) {
  const uint4 bits = __ldg(reinterpret_cast<const uint4*>(cells) + cell);
  Cell result;
  memcpy(&result, &bits, sizeof result);
  return result;
}

/// Adds `values[i]` of the lanes that have one to a list of which `count` (shared) counts the entries, also
/// those that no longer fit. By whole warps.
__device__ __forceinline__ uint32_t AppendPlace(bool valid, uint32_t* count) {
  const uint32_t mask = __ballot_sync(0xFFFFFFFFu, valid);
  if (mask == 0) return 0;
  const int lane = threadIdx.x & 31;
  const int leader = __ffs(mask) - 1;
  uint32_t base = 0;
  if (lane == leader) base = atomicAdd(count, static_cast<uint32_t>(__popc(mask)));
  base = __shfl_sync(0xFFFFFFFFu, base, leader);
  return base + __popc(mask & ((1u << lane) - 1));
}

/// Token of the tile to which arc number `position` belongs.
__device__ __forceinline__ int TileToken(const Shared& s, uint32_t position) {
  int low = 0, high = kThreads - 1;  // tile_first[low] <= position < tile_first[high + 1]
#pragma unroll
  for (int step = 0; step < 8; ++step) {
    const int middle = (low + high + 1) >> 1;
    if (s.tile_first[middle] <= position) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

/// The bin that holds entry number `rank` (from 1) of a histogram, and how many lie below it. By all threads;
/// the histogram is complete before.
__device__ __forceinline__ void PickBin(Shared& s, uint32_t rank) {
  constexpr int kEach = kBins / kThreads;
  uint32_t mine[kEach], sum = 0;
  __syncthreads();
#pragma unroll
  for (int i = 0; i < kEach; ++i) sum += mine[i] = s.histogram[threadIdx.x * kEach + i];
  uint32_t below;
  ScanU32(s.temp.scan).ExclusiveSum(sum, below);
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    if (below < rank && rank <= below + mine[i]) {
      s.picked_bin = threadIdx.x * kEach + i;
      s.picked_below = below;
    }
    below += mine[i];
  }
  __syncthreads();
}

__device__ __forceinline__ void ClearHistogram(Shared& s) {
  __syncthreads();
  for (int i = threadIdx.x; i < kBins; i += kThreads) s.histogram[i] = 0;
  __syncthreads();
}

}  // namespace skald::lane
