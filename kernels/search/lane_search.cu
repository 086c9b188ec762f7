#include <string>

#include "base/cuda/cuda_status.h"
#include "kernels/search/expand.cuh"
#include "kernels/search/lane.cuh"
#include "kernels/search/lane_search.h"
#include "kernels/search/window.cuh"

// One thread block owns a lane and searches one chunk of a channel after the other, without a word to the
// host. Token hash, scores and counters are in shared memory, lists stream through global memory. lane.cuh
// holds what the parts share, expand.cuh a frame's tokens, window.cuh their records and the output.

namespace skald {
namespace lane {
namespace {

constexpr float kMaxScore = 1e6f;

/// Scores of the frame relative to blank and to the best token: BeamSearch::NormaliseRow and CheckRow. False,
/// with s.bad_unit set, where a score is out of range.
__device__ bool NormaliseRow(Lane& lane) {
  Shared& s = lane.s;
  const uint32_t units = lane.plan.units;
  lane.row = lane.scores + s.row * lane.stride;
  lane.blank = lane.row[0];
  lane.least_cost = s.state.least_cost;
  RowSummary summary = {static_cast<int>(kInfinityBits), 0xFFFFFFFFu};
  for (uint32_t unit = threadIdx.x; unit < units; unit += kThreads) {
    const float score = lane.row[unit];
    const bool good = score >= -kMaxScore && (score <= kMaxScore || (unit != 0 && score == Infinity()));
    if (!good) summary.first_bad = min(summary.first_bad, unit);
    const float relative = (score - lane.blank) - lane.least_cost;
    if (lane.shared_scores != nullptr) lane.shared_scores[unit] = relative;
    if (good && unit != 0) summary.least_unit = min(summary.least_unit, OrderedFromFloat(relative));
  }
  summary = ReduceRow(s.temp.row).Reduce(summary, RowSummaryMin{});
  if (threadIdx.x == 0) {
    s.least_unit_score = FloatFromOrdered(summary.least_unit);
    s.bad_unit = summary.first_bad;
  }
  __syncthreads();
  return s.bad_unit == 0xFFFFFFFFu;
}

/// BeamSearch::TryCollapse.
__device__ bool TryCollapse(Lane& lane) {
  Shared& s = lane.s;
  const LaneSearchPlan& plan = lane.plan;
  const ChannelState& state = s.state;
  const bool collapse = plan.collapse_blanks && state.with_unit == 0 && state.least_cost == 0.0f &&
                        state.greatest_cost < plan.beam && state.active <= plan.max_active &&
                        state.active <= plan.max_arcs &&
                        plan.least_arc_cost + s.least_unit_score >= plan.beam;
  __syncthreads();
  if (!collapse) return false;
  if (threadIdx.x == 0) {
    s.state.offset += static_cast<double>(lane.blank);
    ++s.state.frames;
    ++s.state.collapsed_frames;
    if (s.window_records > 0) {
      ++lane.records[s.window_records - 1].collapsed;
    } else {
      if (s.leading_collapsed == 0) s.leading_row = s.row;
      ++s.leading_collapsed;
    }
  }
  return true;
}

__device__ void ClearFrame(Lane& lane) {
  Shared& s = lane.s;
  if (threadIdx.x == 0) {
    s.tokens = 0;
    s.entries = 0;
    s.other_links = 0;
    s.kept_candidates = 0;
  }
  __syncthreads();
}

/// The record before the first frame: the start state and what epsilon arcs lead to.
__device__ bool BeginStream(Lane& lane) {
  Shared& s = lane.s;
  if (threadIdx.x == 0) {
    s.candidates = 0;
    s.threshold = lane.plan.beam;
    s.last_bin = -1;
  }
  ClearFrame(lane);
  if (threadIdx.x == 0) {
    const StateHeader header = LoadCell<StateHeader>(lane.plan.cells, lane.plan.start_block);
    unsigned long long key = static_cast<unsigned long long>(lane.plan.start_block) << 17;
    if (header.flags & kStateHasEpsilonArcs) key |= kLaneEntryBit;
    Relax(lane, key, 0.0f, header.epsilon_rank);
  }
  FollowEpsilons(lane);
  return FinishFrame(lane, -1);
}

__device__ bool ProcessFrame(Lane& lane) {
  LimitActive(lane);
  if (!CollectCandidates(lane)) return false;
  ClearFrame(lane);
  MergeCandidates(lane);
  FollowEpsilons(lane);
  return FinishFrame(lane, lane.s.row);
}

__device__ void RunWork(Lane& lane, const LaneWork& work) {
  Shared& s = lane.s;
  const LaneSearchPlan& plan = lane.plan;
  lane.scores = work.scores;
  lane.stride = work.stride;
  lane.channel_keys = plan.channel_keys + size_t{work.channel} * plan.capacities.tokens;
  lane.channel_costs = plan.channel_costs + size_t{work.channel} * plan.capacities.tokens;
  lane.keys = lane.channel_keys;
  lane.key_costs = lane.channel_costs;
  lane.next_costs = 0;
  if (threadIdx.x == 0) {
    if (work.begin) {
      s.state = {};
      s.state.smallest_width = plan.beam;
    } else {
      s.state = plan.channels[work.channel];
    }
    s.committed = s.state;
    s.needed = {};
    s.needed_output_bytes = 0;
    s.result = atomicAdd(&plan.queue->output_full, 0u) != 0 ? LaneResult::kOutputFull : LaneResult::kDone;
    s.row = 0;
    s.rows_committed = 0;
    s.segments = 0;
    s.segments_committed = 0;
    s.begun = 0;
    s.window_records = 0;
    s.window_tokens = 0;
    s.window_links = 0;
    s.leading_collapsed = 0;
    s.leading_row = 0;
  }
  __syncthreads();

  const bool skip = s.result != LaneResult::kDone;
  bool fits = !skip && (work.begin == 0 || BeginStream(lane));
  bool good = true;
  for (int32_t row = 0; fits && row < work.rows; ++row) {
    good = NormaliseRow(lane);
    if (!good) break;
    if (!TryCollapse(lane)) fits = ProcessFrame(lane);
    if (fits && threadIdx.x == 0) s.row = row + 1;
    __syncthreads();
  }
  if (!fits && !skip) {
    // A failed frame leaves its tokens behind.
    __syncthreads();
    lane.hash.FreeAll();
    if (threadIdx.x == 0 && s.result == LaneResult::kDone) s.result = LaneResult::kLaneFull;
    __syncthreads();
  }
  if (!good) {
    if (threadIdx.x == 0) {
      s.result = LaneResult::kBadScore;
      s.committed = s.state;
    }
  } else if (s.result != LaneResult::kOutputFull) {
    FlushWindow(lane, 0);
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    plan.channels[work.channel] = s.committed;
    plan.outcomes[s.work] = {s.result,   s.rows_committed, s.segments_committed,  s.begun,
                             s.bad_unit, s.needed,         s.needed_output_bytes, s.committed};
  }
  __syncthreads();
}

__global__ void __launch_bounds__(kThreads, 4) LaneSearchKernel(const __grid_constant__ LaneSearchPlan plan) {
  extern __shared__ __align__(16) std::byte shared_memory[];
  auto* const slot_keys = reinterpret_cast<unsigned long long*>(shared_memory);
  auto* const slot_costs = reinterpret_cast<int*>(slot_keys + plan.shared_slots);
  Shared& s = *reinterpret_cast<Shared*>(slot_costs + plan.shared_slots);
  std::byte* const memory = plan.lane_memory + blockIdx.x * plan.layout.total;
  Lane lane{plan, s};
  lane.shared_scores = plan.shared_scores ? reinterpret_cast<float*>(&s + 1) : nullptr;
  lane.hash = {slot_keys,
               slot_costs,
               reinterpret_cast<unsigned long long*>(memory + plan.layout.spill_keys),
               reinterpret_cast<int*>(memory + plan.layout.spill_costs),
               plan.shared_slots,
               plan.layout.spill_slots,
               plan.hash_multiplier};
  lane.used_slots = reinterpret_cast<uint32_t*>(memory + plan.layout.used_slots);
  lane.costs[0] = reinterpret_cast<float*>(memory + plan.layout.costs);
  lane.costs[1] = lane.costs[0] + plan.capacities.tokens;
  lane.candidates = reinterpret_cast<uint4*>(memory + plan.layout.candidates);
  lane.candidate_units = reinterpret_cast<uint16_t*>(memory + plan.layout.candidate_units);
  lane.entries = reinterpret_cast<uint4*>(memory + plan.layout.entries);
  lane.other_links = reinterpret_cast<uint4*>(memory + plan.layout.other_links);
  lane.window_keys = reinterpret_cast<uint64_t*>(memory + plan.layout.window_keys);
  lane.window_extra = reinterpret_cast<uint32_t*>(memory + plan.layout.window_extra);
  lane.window_links = reinterpret_cast<uint4*>(memory + plan.layout.window_links);
  lane.records = reinterpret_cast<LaneRecord*>(memory + plan.layout.records);
  lane.hash.FreeAllShared();

  for (;;) {
    if (threadIdx.x == 0) s.work = atomicAdd(&plan.queue->next, 1u);
    __syncthreads();
    if (s.work >= plan.work_count) break;
    RunWork(lane, plan.work[s.work]);
  }
  if (threadIdx.x == 0) {
    __threadfence();
    if (atomicAdd(&plan.queue->finished, 1u) + 1 == gridDim.x) {
      __threadfence();
      *plan.output_bytes = atomicExch(&plan.queue->output_bytes, 0ull);
      plan.queue->next = 0;
      plan.queue->finished = 0;
      plan.queue->output_full = 0;
    }
  }
}

}  // namespace
}  // namespace lane

size_t LaneSharedBytes(uint32_t shared_slots, uint32_t score_count) {
  return size_t{shared_slots} * 12 + sizeof(lane::Shared) + size_t{score_count} * sizeof(float);
}

Status PrepareLaneSearch(size_t shared_bytes) {
  int device = 0;
  int limit = 0;
  SKALD_CUDA_RETURN_IF_ERROR(cudaGetDevice(&device));
  SKALD_CUDA_RETURN_IF_ERROR(cudaDeviceGetAttribute(&limit, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
  if (shared_bytes > static_cast<size_t>(limit)) {
    return Status::Unsupported("the search needs " + std::to_string(shared_bytes) +
                               " bytes of shared memory, the device has " + std::to_string(limit));
  }
  // The limit of a kernel is shared by all searches: raise it to what the device has.
  SKALD_CUDA_RETURN_IF_ERROR(
      cudaFuncSetAttribute(&lane::LaneSearchKernel, cudaFuncAttributeMaxDynamicSharedMemorySize, limit));
  return Status::Ok();
}

StatusOr<int> CountResidentLanes(size_t shared_bytes) {
  int device = 0, processors = 0, lanes_each = 0;
  SKALD_CUDA_RETURN_IF_ERROR(cudaGetDevice(&device));
  SKALD_CUDA_RETURN_IF_ERROR(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device));
  SKALD_CUDA_RETURN_IF_ERROR(cudaOccupancyMaxActiveBlocksPerMultiprocessor(
      &lanes_each, &lane::LaneSearchKernel, lane::kThreads, shared_bytes));
  return processors * lanes_each;
}

Status LaunchLaneSearch(DeviceContext context, const LaneSearchPlan& plan, int lanes) {
  const size_t shared_bytes = LaneSharedBytes(plan.shared_slots, plan.shared_scores ? plan.units : 0);
  lane::LaneSearchKernel<<<lanes, lane::kThreads, shared_bytes, context.stream>>>(plan);
  SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("LaneSearchKernel");
  return Status::Ok();
}

}  // namespace skald
