#include <string>

#include "base/cuda/cuda_status.h"
#include "kernels/search/lane_search.h"
#include "kernels/search/lane_work.cuh"

// One thread block owns a lane and searches one chunk of a channel after the other, without a word to the
// host. Token hash, scores and counters are in shared memory, lists stream through global memory.

namespace skald {
namespace lane {
namespace {

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
  if (StartWork(lane, work)) {
    bool fits = work.begin == 0 || BeginStream(lane);
    for (int32_t row = 0; fits && row < work.rows; ++row) {
      if (!NormaliseRow(lane)) {
        if (threadIdx.x == 0) s.result = LaneResult::kBadScore;
        __syncthreads();
        break;
      }
      if (!TryCollapse(lane)) fits = ProcessFrame(lane);
      if (fits && threadIdx.x == 0) s.row = row + 1;
      __syncthreads();
    }
    if (!fits) AbandonFrame(lane);
  }
  FinishWork(lane, work);
}

__global__ void __launch_bounds__(kThreads, 4) LaneSearchKernel(const __grid_constant__ LaneSearchPlan plan) {
  extern __shared__ __align__(16) std::byte shared_memory[];
  auto* const slot_keys = reinterpret_cast<unsigned long long*>(shared_memory);
  auto* const slot_costs = reinterpret_cast<int*>(slot_keys + plan.shared_slots);
  Shared& s = *reinterpret_cast<Shared*>(slot_costs + plan.shared_slots);
  auto* const candidates = reinterpret_cast<SharedCandidates*>(&s + 1);
  Lane lane{plan, s, s.counts, 0, kThreads};
  lane.shared_candidates = candidates;
  lane.shared_scores = plan.shared_scores ? reinterpret_cast<float*>(candidates + 1) : nullptr;
  lane.hash.shared_keys = slot_keys;
  lane.hash.shared_costs = slot_costs;
  lane.hash.shared_slots = plan.shared_slots;
  PlaceLane(lane, plan.lane_memory + blockIdx.x * plan.layout.total);
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
  return size_t{shared_slots} * 12 + sizeof(lane::Shared) + sizeof(lane::SharedCandidates) +
         size_t{score_count} * sizeof(float);
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
