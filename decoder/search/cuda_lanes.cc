#include "decoder/search/cuda_lanes.h"

#include <algorithm>
#include <utility>

namespace skald {
namespace {

constexpr uint32_t kLeastTokens = 64;
constexpr int64_t kMostWindowRecords = 256;

uint32_t Enlarged(uint32_t capacity, uint32_t needed) {
  return needed <= capacity ? capacity : needed + needed / 4;
}

template <typename Join>
LaneCapacities Joined(const LaneCapacities& a, const LaneCapacities& b, Join join) {
  LaneCapacities result;
  result.tokens = join(a.tokens, b.tokens);
  result.candidates = join(a.candidates, b.candidates);
  result.other_links = join(a.other_links, b.other_links);
  result.window_tokens = join(a.window_tokens, b.window_tokens);
  result.window_links = join(a.window_links, b.window_links);
  result.window_records = join(a.window_records, b.window_records);
  return result;
}

}  // namespace

LaneCapacities InitialLaneCapacities(const SearchOptions& options) {
  const uint32_t tokens = std::max(kLeastTokens, static_cast<uint32_t>(options.initial_tokens));
  const int32_t interval = options.prune_interval_frames;
  LaneCapacities capacities;
  capacities.tokens = tokens;
  capacities.candidates = 4 * tokens;
  capacities.other_links = 2 * tokens;
  capacities.window_tokens = 16 * tokens;
  capacities.window_links = 32 * tokens;
  capacities.window_records = interval > 0
                                  ? static_cast<uint32_t>(std::min(4 * int64_t{interval}, kMostWindowRecords))
                                  : kMostWindowRecords;
  return capacities;
}

LaneCapacities EnlargedCapacities(const LaneCapacities& capacities, const LaneCapacities& needed) {
  return Joined(capacities, needed, Enlarged);
}

LaneCapacities LargerCapacities(const LaneCapacities& a, const LaneCapacities& b) {
  return Joined(a, b, [](uint32_t x, uint32_t y) { return std::max(x, y); });
}

Status CudaLanes::Allocate(DeviceContext context, const LaneCapacities& capacities, int count) {
  memory_ = {};
  capacities_ = capacities;
  layout_ = MakeLaneLayout(capacities);
  count_ = count;
  const size_t pitch = layout_.total, rows = static_cast<size_t>(count);
  SKALD_ASSIGN_OR_RETURN(memory_, DeviceBuffer<std::byte>::Create(pitch * rows, "lanes of the search"));
  SKALD_CUDA_RETURN_IF_ERROR(cudaMemset2DAsync(memory_.data() + layout_.spill_keys, pitch, 0xFF,
                                               size_t{layout_.spill_slots} * 8, rows, context.stream));
  return CudaStatus(cudaMemset2DAsync(memory_.data() + layout_.spill_costs, pitch, 0x7F,
                                      size_t{layout_.spill_slots} * 4, rows, context.stream),
                    "cudaMemset2DAsync");
}

void CudaLanes::AddTo(LaneSearchPlan* plan) const {
  plan->capacities = capacities_;
  plan->layout = layout_;
  plan->lane_memory = memory_.data();
}

StatusOr<CudaTokens> CudaTokens::Create(size_t tokens) {
  CudaTokens result;
  SKALD_ASSIGN_OR_RETURN(result.keys, DeviceBuffer<uint64_t>::Create(tokens, "tokens of search channels"));
  SKALD_ASSIGN_OR_RETURN(result.costs, DeviceBuffer<float>::Create(tokens, "costs of search channels"));
  return result;
}

}  // namespace skald
