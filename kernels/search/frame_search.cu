#include <algorithm>
#include <utility>

#include "base/cuda/cuda_status.h"
#include "kernels/search/frame_lane.cuh"
#include "kernels/search/frame_search.h"

// Several blocks make a frame of a lane, in kernels one after the other. Each kernel is a step of
// LaneSearchKernel's loop over frames: between two kernels lies what is a barrier there. What a block of the
// lane search keeps in shared memory lies in FrameState; blocks copy it, work on their share, and add to its
// counts. Kernels of lanes without a frame in the making end at once.

namespace skald {
namespace frame {
namespace {

/// Takes up the next work item of each lane.
__global__ void __launch_bounds__(kThreads) BeginWorkKernel(const FramePlan* plan) {
  __shared__ BlockMemory memory;
  FrameState& state = plan->states[blockIdx.y];
  LaneQueue& queue = *plan->search.queue;
  const uint32_t work = plan->first_work + queue.next + blockIdx.y;
  const bool has_work = work < plan->search.work_count;
  if (threadIdx.x == 0) {
    state.has_work = has_work;
    state.open = state.slots_to_free = 0;
    if (has_work) state.work = plan->search.work[work];
    // The lane search before has left its output behind.
    if (work == plan->first_work && work > 0) queue.output_bytes = *plan->search.output_bytes;
  }
  __syncthreads();
  if (!has_work) return;
  Lane lane = LoadLane<true>(plan, memory);
  if (threadIdx.x == 0) lane.s.work = work;
  if (StartWork(lane, state.work) && state.work.begin && !BeginStream(lane)) AbandonFrame(lane);
  StoreLane(plan, lane);
}

/// Closes the frame before, consumes rows that collapse, and opens the frame of the next row.
__global__ void __launch_bounds__(kThreads) StartFrameKernel(const FramePlan* plan) {
  __shared__ BlockMemory memory;
  FrameState& state = plan->states[blockIdx.y];
  if (threadIdx.x == 0) state.slots_to_free = 0;
  if (!state.has_work || (!state.open && (state.progress.result != LaneResult::kDone ||
                                          state.progress.row >= state.work.rows))) {
    return;
  }
  Lane lane = LoadLane<true>(plan, memory);
  Shared& s = lane.s;
  CloseOpenFrame(lane, state);
  bool open = false;
  while (s.row < state.work.rows) {
    if (!NormaliseRow(lane)) {
      if (threadIdx.x == 0) s.result = LaneResult::kBadScore;
      break;
    }
    if (!TryCollapse(lane)) {
      open = true;
      break;
    }
    if (threadIdx.x == 0) ++s.row;
    __syncthreads();
  }
  if (open) {
    SeedLeast(lane);
    if (threadIdx.x == 0) {
      SetBeamCut(lane);
      lane.counts.candidates = 0;
      lane.counts.arcs_tried = 0;
      s.last_bin = -1;
      s.ties_cut = 0;
      s.capped = 0;
      state.selected = 0;
      state.open = 1;
    }
    ClearFrame(lane);
    for (int i = threadIdx.x; i < kBins; i += kThreads) state.rank_histogram[i] = state.cap_histogram[i] = 0;
  }
  StoreLane(plan, lane);
}

/// Frees the slots of the frame before. Where there are more than max_active tokens, counts them by cost.
__global__ void __launch_bounds__(kThreads) CountTokensKernel(const FramePlan* plan) {
  __shared__ BlockMemory memory;
  FrameState& state = plan->states[blockIdx.y];
  if (!state.open && state.slots_to_free == 0) return;
  const Lane lane = LoadLane<false>(plan, memory);
  Shared& s = lane.s;
  for (uint32_t t = lane.share_first + threadIdx.x; t < state.slots_to_free; t += lane.share_stride) {
    lane.hash.Free(lane.used_slots[t]);
  }
  if (!state.open || s.state.active <= lane.plan.max_active) return;
  ClearHistogram(s);
  for (uint32_t t = lane.share_first + threadIdx.x; t < s.state.token_count; t += lane.share_stride) {
    const float cost = lane.key_costs[t];
    if (cost != Infinity()) atomicAdd(&s.histogram[RankBin(s.state, cost)], 1u);
  }
  AddHistogram(s, state.rank_histogram);
}

/// BeamSearch::LimitActive: gathers the tokens in the bin of the max_active-th cost, the last block picks it.
__global__ void __launch_bounds__(kThreads) LimitActiveKernel(const FramePlan* plan) {
  __shared__ BlockMemory memory;
  FrameState& state = plan->states[blockIdx.y];
  if (!state.open || state.progress.state.active <= plan->search.max_active) return;
  Lane lane = LoadLane<false>(plan, memory);
  Shared& s = lane.s;
  LoadHistogram(s, state.rank_histogram);
  PickBin(s, lane.plan.max_active);
  const uint32_t rank = lane.plan.max_active - s.picked_below;
  auto* const selected = reinterpret_cast<uint32_t*>(lane.entries);  // there are none yet
  const uint32_t warp_lane = threadIdx.x & 31;
  for (uint32_t first = lane.share_first + threadIdx.x - warp_lane; first < s.state.token_count;
       first += lane.share_stride) {
    const uint32_t t = first + warp_lane;
    const float cost = t < s.state.token_count ? lane.key_costs[t] : Infinity();
    const bool here = cost != Infinity() && RankBin(s.state, cost) == static_cast<int>(s.picked_bin);
    const uint32_t place = AppendPlace(here, &state.selected);
    if (here) selected[place] = SortableBits(cost);
  }
  if (!IsLastBlock(state)) return;
  const uint32_t nth =
      SelectBits(s, __ldcg(&state.selected), rank, [&](uint32_t i) { return __ldcg(selected + i); });
  if (threadIdx.x == 0) {
    SetActiveCut(lane, FloatFromOrdered(static_cast<int>(nth ^ 0x80000000u)));
    state.progress.cut = s.cut;
    state.progress.width = s.width;
    state.progress.max_active_bound = s.max_active_bound;
  }
}

/// Finds the least cost of a candidate and collects all below the threshold, and some above.
__global__ void __launch_bounds__(kThreads) CollectCandidatesKernel(const FramePlan* plan) {
  __shared__ BlockMemory memory;
  if (!plan->states[blockIdx.y].open) return;
  Lane lane = LoadLane<false>(plan, memory);
  VisitArcs<Pass::kCollect>(lane);
}

/// BeamSearch::ApplyCap: counts the candidates by cost, the last block sets the cap.
__global__ void __launch_bounds__(kThreads) ApplyCapKernel(const FramePlan* plan) {
  __shared__ BlockMemory memory;
  FrameState& state = plan->states[blockIdx.y];
  if (!GoesOn(plan, state) || state.progress.counts.candidates <= plan->search.max_arcs) return;
  Lane lane = LoadLane<false>(plan, memory);
  Shared& s = lane.s;
  if (threadIdx.x == 0) lane.SetThreshold();
  ClearHistogram(s);
  const uint32_t candidates = lane.counts.candidates;
  for (uint32_t c = lane.share_first + threadIdx.x; c < candidates; c += lane.share_stride) {
    const float cost = __uint_as_float(lane.candidates[c].w);
    if (cost < s.threshold) atomicAdd(&s.histogram[lane.CapBin(cost)], 1u);
  }
  AddHistogram(s, state.cap_histogram);
  if (!IsLastBlock(state)) return;
  LoadHistogram(s, state.cap_histogram);
  CapFromHistogram(lane, CountHistogram(s));
  if (s.ties_cut) CutTies(lane);
  if (threadIdx.x == 0) {
    state.progress.last_bin = s.last_bin;
    state.progress.ties_cut = s.ties_cut;
    state.progress.last_kept = s.last_kept;
    state.progress.capped = s.capped;
    state.progress.capped_width = s.capped_width;
  }
}

/// Entry states that are made from now on are not followed by the next kernel: they may not be complete.
__device__ void SeeEntries(FrameState& state) {
  if (IsLastBlock(state) && threadIdx.x == 0) state.entries_seen = __ldcg(&state.progress.counts.entries);
}

__global__ void __launch_bounds__(kThreads) MergeCandidatesKernel(const FramePlan* plan) {
  __shared__ BlockMemory memory;
  FrameState& state = plan->states[blockIdx.y];
  if (!GoesOn(plan, state)) return;
  Lane lane = LoadLane<false>(plan, memory);
  if (threadIdx.x == 0) lane.SetThreshold();
  __syncthreads();
  MergeCandidates(lane);
  SeeEntries(state);
}

/// Follows the epsilon arcs of entry states of one rank.
__global__ void __launch_bounds__(kThreads) FollowRankKernel(const FramePlan* plan, uint32_t rank) {
  __shared__ BlockMemory memory;
  FrameState& state = plan->states[blockIdx.y];
  if (!GoesOn(plan, state) || state.entries_seen == 0) return;
  const uint32_t entries = min(state.entries_seen, plan->search.capacities.tokens);
  Lane lane = LoadLane<false>(plan, memory);
  if (threadIdx.x == 0) lane.SetThreshold();
  __syncthreads();
  FollowRank(lane, rank, entries);
  SeeEntries(state);
}

/// Follows the other ranks, and makes room for the frame in the window.
__global__ void __launch_bounds__(kThreads) FollowRestKernel(const FramePlan* plan) {
  __shared__ BlockMemory memory;
  FrameState& state = plan->states[blockIdx.y];
  if (!state.open) return;
  Lane lane = LoadLane<true>(plan, memory);
  Shared& s = lane.s;
  if (threadIdx.x == 0) lane.SetThreshold();
  bool fits = lane.counts.candidates <= lane.plan.capacities.candidates;
  if (fits) {
    FollowEpsilons(lane);
    fits = MakeRoom(lane);
  } else if (threadIdx.x == 0) {
    s.needed.candidates = lane.counts.candidates;
  }
  if (!fits) AbandonFrame(lane);
  if (threadIdx.x == 0) {
    lane.counts.links = s.window_links;
    if (!fits) state.open = 0;
  }
  StoreLane(plan, lane);
}

__global__ void __launch_bounds__(kThreads) NumberTokensKernel(const FramePlan* plan) {
  __shared__ BlockMemory memory;
  if (!plan->states[blockIdx.y].open) return;
  Lane lane = LoadLane<false>(plan, memory);
  NumberTokens(lane);
}

/// Emitting links go to the window in any order, those of epsilon arcs in theirs: these keep their places,
/// and the ones that no lattice holds are marked.
__global__ void __launch_bounds__(kThreads) SettleLinksKernel(const FramePlan* plan) {
  __shared__ BlockMemory memory;
  if (!plan->states[blockIdx.y].open) return;
  Lane lane = LoadLane<false>(plan, memory);
  SettleEmittingLinks(lane);
  const uint32_t other_links = lane.counts.other_links;
  uint4* const window_links = lane.window_links + lane.s.window_links + lane.counts.kept_candidates;
  uint32_t dropped = 0;
  for (uint32_t l = lane.share_first + threadIdx.x; l < other_links; l += lane.share_stride) {
    uint4 link = Settled(lane, lane.other_links[l]);
    if (!(__uint_as_float(link.w) <= lane.plan.early_link_beam)) {
      link.w = kInfinityBits;
      ++dropped;
    }
    window_links[l] = link;
  }
  dropped = __reduce_add_sync(0xFFFFFFFFu, dropped);
  if ((threadIdx.x & 31) == 0 && dropped > 0) atomicAdd(&lane.counts.dropped_other_links, dropped);
}

/// Flushes the windows of the lanes and says what became of their work.
__global__ void __launch_bounds__(kThreads) EndWorkKernel(const FramePlan* plan) {
  __shared__ BlockMemory memory;
  FrameState& state = plan->states[blockIdx.y];
  const LaneSearchPlan& search = plan->search;
  if (state.has_work) {
    if (threadIdx.x == 0) state.slots_to_free = 0;
    Lane lane = LoadLane<true>(plan, memory);
    CloseOpenFrame(lane, state);
    for (uint32_t t = threadIdx.x; t < state.slots_to_free; t += kThreads) lane.hash.Free(lane.used_slots[t]);
    FinishWork(lane, state.work);
  }
  if (threadIdx.x == 0) {
    LaneQueue& queue = *search.queue;
    __threadfence();
    if (atomicAdd(&queue.finished, 1u) + 1 == gridDim.y) {
      __threadfence();
      queue.finished = 0;
      queue.next += gridDim.y;
      if (plan->first_work + queue.next >= search.work_count) {
        *search.output_bytes = atomicExch(&queue.output_bytes, 0ull);
        queue.next = 0;
        queue.output_full = 0;
      }
    }
  }
}

Status AddKernel(cudaGraph_t graph, void* kernel, dim3 grid, void** arguments, cudaGraphNode_t* last) {
  cudaKernelNodeParams node = {};
  node.func = kernel;
  node.gridDim = grid;
  node.blockDim = dim3(kThreads);
  node.kernelParams = arguments;
  const cudaGraphNode_t before = *last;
  return CudaStatus(cudaGraphAddKernelNode(last, graph, &before, before != nullptr ? 1 : 0, &node),
                    "cudaGraphAddKernelNode");
}

/// Adds the kernels of one frame after `last`.
Status AddFrame(cudaGraph_t graph, const FrameSearchShape& shape, const FramePlan* plan,
                cudaGraphNode_t* last) {
  const dim3 one(1, static_cast<unsigned>(shape.lanes));
  const dim3 all(static_cast<unsigned>(shape.blocks), static_cast<unsigned>(shape.lanes));
  uint32_t rank = 0;
  void* arguments[] = {&plan, &rank};
  const auto add = [&](auto* kernel, dim3 grid) {
    return AddKernel(graph, reinterpret_cast<void*>(kernel), grid, arguments, last);
  };
  SKALD_RETURN_IF_ERROR(add(&StartFrameKernel, one));
  SKALD_RETURN_IF_ERROR(add(&CountTokensKernel, all));
  SKALD_RETURN_IF_ERROR(add(&LimitActiveKernel, all));
  SKALD_RETURN_IF_ERROR(add(&CollectCandidatesKernel, all));
  SKALD_RETURN_IF_ERROR(add(&ApplyCapKernel, all));
  SKALD_RETURN_IF_ERROR(add(&MergeCandidatesKernel, all));
  for (; rank < static_cast<uint32_t>(shape.epsilon_launches); ++rank) {
    SKALD_RETURN_IF_ERROR(add(&FollowRankKernel, all));
  }
  SKALD_RETURN_IF_ERROR(add(&FollowRestKernel, one));
  SKALD_RETURN_IF_ERROR(add(&NumberTokensKernel, all));
  return add(&SettleLinksKernel, all);
}

}  // namespace
}  // namespace frame

namespace {

constexpr size_t kPlanBytes = (sizeof(frame::FramePlan) + 255) / 256 * 256;

/// Destroys a graph.
struct Graph {
  cudaGraph_t graph = nullptr;
  ~Graph() {
    if (graph != nullptr) (void)cudaGraphDestroy(graph);
  }
};

}  // namespace

struct FrameSearch::State {
  FrameSearchShape shape;
  frame::FramePlan* plan = nullptr;  // on the device, like the states
  frame::FrameState* states = nullptr;
  cudaGraphExec_t graph = nullptr;
  int64_t graph_launches = 0;

  ~State() {
    if (graph != nullptr) (void)cudaGraphExecDestroy(graph);
  }
};

FrameSearch::FrameSearch(std::unique_ptr<State> state) : state_(std::move(state)) {}
FrameSearch::FrameSearch(FrameSearch&&) noexcept = default;
FrameSearch& FrameSearch::operator=(FrameSearch&&) noexcept = default;
FrameSearch::~FrameSearch() = default;

size_t FrameSearch::MemoryBytes(int lanes) {
  return kPlanBytes + static_cast<size_t>(lanes) * sizeof(frame::FrameState);
}

StatusOr<FrameSearch> FrameSearch::Create(DeviceContext context, const FrameSearchShape& shape,
                                          std::byte* memory) {
  auto state = std::make_unique<State>();
  state->shape = shape;
  state->plan = reinterpret_cast<frame::FramePlan*>(memory);
  state->states = reinterpret_cast<frame::FrameState*>(memory + kPlanBytes);
  SKALD_CUDA_RETURN_IF_ERROR(cudaMemsetAsync(memory, 0, MemoryBytes(shape.lanes), context.stream));
  Graph graph;
  SKALD_CUDA_RETURN_IF_ERROR(cudaGraphCreate(&graph.graph, 0));
  cudaGraphNode_t last = nullptr;
  for (int frame = 0; frame < shape.frames_per_launch; ++frame) {
    SKALD_RETURN_IF_ERROR(frame::AddFrame(graph.graph, shape, state->plan, &last));
  }
  SKALD_CUDA_RETURN_IF_ERROR(cudaGraphInstantiate(&state->graph, graph.graph, 0));
  return FrameSearch(std::move(state));
}

Status FrameSearch::Launch(DeviceContext context, const LaneSearchPlan& plan, uint32_t first_work) {
  State& state = *state_;
  const frame::FramePlan frame_plan = {plan, state.states, first_work};
  SKALD_CUDA_RETURN_IF_ERROR(cudaMemcpyAsync(state.plan, &frame_plan, sizeof frame_plan, cudaMemcpyDefault,
                                             context.stream));  // pageable: staged by the runtime
  const uint32_t lanes = static_cast<uint32_t>(state.shape.lanes);
  const dim3 grid(1, lanes);
  for (uint32_t work = first_work; work < plan.work_count; work += lanes) {
    int32_t rows = 0;
    for (uint32_t w = work; w < std::min(work + lanes, plan.work_count); ++w) {
      rows = std::max(rows, plan.work[w].rows);
    }
    frame::BeginWorkKernel<<<grid, lane::kThreads, 0, context.stream>>>(state.plan);
    SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("BeginWorkKernel");
    for (int32_t row = 0; row < rows; row += state.shape.frames_per_launch) {
      ++state.graph_launches;
      SKALD_CUDA_RETURN_IF_ERROR(cudaGraphLaunch(state.graph, context.stream));
    }
    frame::EndWorkKernel<<<grid, lane::kThreads, 0, context.stream>>>(state.plan);
    SKALD_CUDA_RETURN_IF_LAUNCH_FAILED("EndWorkKernel");
  }
  return Status::Ok();
}

const FrameSearchShape& FrameSearch::shape() const { return state_->shape; }
int64_t FrameSearch::graph_launches() const { return state_->graph_launches; }

}  // namespace skald
