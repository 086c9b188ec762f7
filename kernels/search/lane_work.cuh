#pragma once

#include "kernels/search/expand.cuh"
#include "kernels/search/frame_record.cuh"
#include "kernels/search/lane.cuh"
#include "kernels/search/merge.cuh"
#include "kernels/search/window.cuh"

// A lane's work but for the frames between its first row and its last: by a single block.

namespace skald::lane {

constexpr float kMaxScore = 1e6f;

/// Scores of the frame relative to blank and to the best token: BeamSearch::NormaliseRow and CheckRow. False,
/// with s.bad_unit set, where a score is out of range.
__device__ inline bool NormaliseRow(Lane& lane) {
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
__device__ inline bool TryCollapse(Lane& lane) {
  Shared& s = lane.s;
  const LaneSearchPlan& plan = lane.plan;
  const ChannelState& state = s.state;
  const bool collapse = plan.collapse_blanks && state.with_unit == 0 && state.least_cost == 0.0f &&
                        state.greatest_cost < plan.beam && state.active <= plan.max_active &&
                        state.active <= plan.max_arcs && s.least_arc_cost + s.least_unit_score >= plan.beam;
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

/// Makes ready for the next frame's tokens; candidates are counted before.
__device__ inline void ClearFrame(Lane& lane) {
  if (threadIdx.x == 0) {
    LaneCounts& counts = lane.counts;
    counts.kept_candidates = counts.tokens = counts.entries = counts.other_links = 0;
    counts.dropped_other_links = 0;
    counts.least_token = ~0ull;
    counts.greatest = static_cast<int>(0x80000000);
    counts.active = counts.with_unit = 0;
  }
  __syncthreads();
}

/// The record before the first frame: the start state and what epsilon arcs lead to.
__device__ inline bool BeginStream(Lane& lane) {
  Shared& s = lane.s;
  if (threadIdx.x == 0) {
    lane.counts.candidates = 0;
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

/// Takes up a work item: the channel's frontier, an empty window. False where there is nothing to search
/// because the output was full before.
__device__ inline bool StartWork(Lane& lane, const LaneWork& work) {
  Shared& s = lane.s;
  const LaneSearchPlan& plan = lane.plan;
  lane.scores = work.scores;
  lane.stride = work.stride;
  lane.keys = work.from_keys;
  lane.key_costs = work.from_costs;
  lane.channel_keys = work.keys;
  lane.channel_costs = work.costs;
  lane.carried = work.carried;
  lane.next_costs = 0;
  if (threadIdx.x == 0) {
    if (work.begin) {
      s.state = {};
      s.state.smallest_width = plan.beam;
    } else {
      s.state = plan.channels[work.channel];
    }
    s.least_arc_cost = work.least_arc_cost;
    s.boost = work.boost;
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
  return s.result == LaneResult::kDone && RestoreWindow(lane);
}

/// A frame did not fit: what it has made is forgotten.
__device__ inline void AbandonFrame(Lane& lane) {
  Shared& s = lane.s;
  __syncthreads();
  const bool output_full = s.result == LaneResult::kOutputFull;
  lane.hash.FreeAll();
  __syncthreads();
  if (threadIdx.x == 0 && !output_full) s.result = LaneResult::kLaneFull;
  __syncthreads();
}

/// Flushes or carries what is left in the window and says what became of the work.
__device__ inline void FinishWork(Lane& lane, const LaneWork& work) {
  Shared& s = lane.s;
  if (s.result == LaneResult::kBadScore) {
    if (threadIdx.x == 0) s.committed = s.state;
  } else if (s.result != LaneResult::kOutputFull) {
    if (work.last || lane.plan.carried_bytes == 0) {
      FlushWindow(lane, 0);
    } else {
      CarryWindow(lane);
    }
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    lane.plan.channels[work.channel] = s.committed;
    lane.plan.outcomes[s.work] = {s.result,   s.rows_committed, s.segments_committed,  s.begun,
                                  s.bad_unit, s.needed,         s.needed_output_bytes, s.committed};
  }
  __syncthreads();
}

}  // namespace skald::lane
