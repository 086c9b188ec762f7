#include "decoder/search/cuda_search_device.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "decoder/search/token_table.h"

namespace skald {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr uint32_t kMaxSharedScores = 8192;
constexpr int kMaxEpsilonLaunches = 3;

static_assert(kLaneEntryBit == kEntryBit && kLaneBlankCell == kBlankCell && kLaneRepeatCell == kRepeatCell &&
              kLaneEntryCell == kEntryCell);

uint32_t SharedScores(const GraphImage& graph) {
  return graph.info().unit_count <= kMaxSharedScores ? graph.info().unit_count : 0;
}

bool AnythingNeeded(const LaneCapacities& needed) {
  return needed.tokens > 0 || needed.candidates > 0 || needed.other_links > 0 || needed.window_tokens > 0 ||
         needed.window_links > 0;
}

LaneSearchPlan MakePlan(const CudaGraphImage& graph, const SearchOptions& options,
                        const CudaSearchShape& shape) {
  const GraphInfo& info = graph.host().info();
  LaneSearchPlan plan{};
  plan.cells = graph.cells();
  plan.start_block = info.start_block;
  plan.units = info.unit_count;
  plan.beam = options.beam;
  plan.lattice_beam = options.lattice_beam;
  plan.early_link_beam = options.prune_links_early ? options.lattice_beam : kInfinity;
  plan.word_penalty = options.word_penalty;
  plan.max_active = static_cast<uint32_t>(options.max_active);
  plan.max_arcs = static_cast<uint32_t>(std::min<int64_t>(options.max_arcs_per_frame, 0xFFFFFFF0));
  plan.collapse_blanks = options.collapse_blanks;
  plan.hash_multiplier = (options.hash_seed << 1) ^ 0x9E3779B97F4A7C15u;
  plan.shared_slots = static_cast<uint32_t>(shape.shared_hash_slots);
  plan.shared_scores = SharedScores(graph.host()) > 0;
  return plan;
}

}  // namespace

size_t SearchLaneSharedBytes(const GraphImage& graph, const CudaSearchShape& shape) {
  return LaneSharedBytes(static_cast<uint32_t>(shape.shared_hash_slots), SharedScores(graph));
}

Status CudaSearchLaunch::Allocate(size_t channels, uint64_t bytes) {
  SKALD_ASSIGN_OR_RETURN(work, PinnedBuffer<LaneWork>::Create(channels, "work of the search"));
  SKALD_ASSIGN_OR_RETURN(outcomes, PinnedBuffer<LaneOutcome>::Create(channels, "outcomes of the search"));
  SKALD_ASSIGN_OR_RETURN(output_bytes, PinnedBuffer<uint64_t>::Create(1, "output size of the search"));
  SKALD_CUDA_RETURN_IF_ERROR(cudaEventCreateWithFlags(&done, cudaEventDisableTiming));
  return GrowOutput(bytes);
}

Status CudaSearchLaunch::GrowOutput(uint64_t bytes) {
  if (bytes <= output.size()) return Status::Ok();
  output = {};
  SKALD_ASSIGN_OR_RETURN(output, PinnedBuffer<std::byte>::Create(bytes, "output of the search"));
  return Status::Ok();
}

StatusOr<std::unique_ptr<CudaSearchDevice>> CudaSearchDevice::Create(DeviceContext context,
                                                                     const CudaGraphImage& graph,
                                                                     const SearchOptions& options,
                                                                     const CudaSearchShape& shape) {
  std::unique_ptr<CudaSearchDevice> device(new CudaSearchDevice(context, shape));
  SKALD_RETURN_IF_ERROR(device->Initialise(graph, options));
  return device;
}

Status CudaSearchDevice::Initialise(const CudaGraphImage& graph, const SearchOptions& options) {
  SKALD_CUDA_RETURN_IF_ERROR(cudaSetDevice(context_.device));
  frames_only_ = shape_.method == CudaSearchMethod::kFrames;
  epsilon_ranks_ = graph.host().info().max_epsilon_rank;
  plan_ = MakePlan(graph, options, shape_);
  SKALD_RETURN_IF_ERROR(PrepareLaneSearch(SearchLaneSharedBytes(graph.host(), shape_)));
  const size_t channels = static_cast<size_t>(shape_.channels);
  channels_.resize(channels);
  SKALD_ASSIGN_OR_RETURN(queue_, DeviceBuffer<LaneQueue>::Create(1, "the queue of the search"));
  SKALD_CUDA_RETURN_IF_ERROR(cudaMemsetAsync(queue_.data(), 0, sizeof(LaneQueue), context_.stream));
  SKALD_ASSIGN_OR_RETURN(channel_states_,
                         DeviceBuffer<ChannelState>::Create(channels, "states of search channels"));
  plan_.carried_bytes = (shape_.carried_window_bytes + 255) / 256 * 256;
  SKALD_ASSIGN_OR_RETURN(carried_, DeviceBuffer<std::byte>::Create(channels * plan_.carried_bytes,
                                                                   "windows of search channels"));
  plan_.queue = queue_.data();
  plan_.channels = channel_states_.data();
  lane_memory_limit_ = shape_.lane_memory_limit_bytes;
  if (lane_memory_limit_ == 0) {
    size_t free = 0, total = 0;
    SKALD_CUDA_RETURN_IF_ERROR(cudaMemGetInfo(&free, &total));
    lane_memory_limit_ = total / 4;
  }
  const LaneCapacities capacities = InitialLaneCapacities(options);
  if (frames_only_) return AllocateFrameLanes(capacities);
  lane_count_ = shape_.lanes;
  return AllocateLanes(capacities);
}

/// Lanes, and room for the tokens of as many channels; these keep what they have.
Status CudaSearchDevice::AllocateLanes(const LaneCapacities& capacities) {
  lanes_.Release();
  if (capacities.tokens > tokens_pitch_) {
    SKALD_ASSIGN_OR_RETURN(CudaTokens tokens, CudaTokens::Create(channels_.size() * capacities.tokens));
    for (size_t c = 0; c < channels_.size(); ++c) {
      const size_t count = channels_[c].outgrown ? 0 : channels_[c].count;
      const size_t from = c * tokens_pitch_, to = c * capacities.tokens;
      if (count == 0) continue;
      SKALD_CUDA_RETURN_IF_ERROR(cudaMemcpyAsync(tokens.keys.data() + to, tokens_.keys.data() + from,
                                                 count * sizeof(uint64_t), cudaMemcpyDeviceToDevice,
                                                 context_.stream));
      SKALD_CUDA_RETURN_IF_ERROR(cudaMemcpyAsync(tokens.costs.data() + to, tokens_.costs.data() + from,
                                                 count * sizeof(float), cudaMemcpyDeviceToDevice,
                                                 context_.stream));
    }
    SKALD_CUDA_RETURN_IF_ERROR(cudaStreamSynchronize(context_.stream));
    tokens_ = std::move(tokens);
    tokens_pitch_ = capacities.tokens;
  }
  return lanes_.Allocate(context_, capacities, lane_count_);
}

Status CudaSearchDevice::AllocateFrameLanes(const LaneCapacities& capacities) {
  if (!frame_search_) {
    FrameSearchShape shape;
    shape.lanes = frames_only_ ? shape_.lanes : 1;
    shape.blocks = shape_.frame_blocks;
    if (shape.blocks == 0) {
      SKALD_CUDA_RETURN_IF_ERROR(
          cudaDeviceGetAttribute(&shape.blocks, cudaDevAttrMultiProcessorCount, context_.device));
    }
    shape.epsilon_launches = std::min<int>(epsilon_ranks_, kMaxEpsilonLaunches);
    shape.frames_per_launch = shape_.frames_per_graph;
    SKALD_ASSIGN_OR_RETURN(frame_memory_, DeviceBuffer<std::byte>::Create(
                                              FrameSearch::MemoryBytes(shape.lanes), "the frame search"));
    SKALD_ASSIGN_OR_RETURN(frame_search_, FrameSearch::Create(context_, shape, frame_memory_.data()));
  }
  return frame_lanes_.Allocate(context_, capacities, frame_search_->shape().lanes);
}

bool CudaSearchDevice::IsOutgrown(uint32_t channel) const {
  return frames_only_ || channels_[channel].count > tokens_pitch_;
}

Status CudaSearchDevice::PlaceTokens(LaneWork* work, bool by_frames) {
  ChannelTokens& channel = channels_[work->channel];
  const size_t shared = size_t{work->channel} * tokens_pitch_;
  work->keys = tokens_.keys.data() + shared;
  work->costs = tokens_.costs.data() + shared;
  work->from_keys = channel.outgrown ? channel.own.keys.data() : work->keys;
  work->from_costs = channel.outgrown ? channel.own.costs.data() : work->costs;
  work->carried = carried_.data() + size_t{work->channel} * plan_.carried_bytes;
  if (!by_frames) return Status::Ok();
  const size_t needed = frame_lanes_.capacities().tokens;
  CudaTokens* const place =
      channel.outgrown && channel.own.size() < needed ? &channel.next_own : &channel.own;
  if (place->size() < needed) {
    *place = {};
    SKALD_ASSIGN_OR_RETURN(*place, CudaTokens::Create(needed));
  }
  work->keys = place->keys.data();
  work->costs = place->costs.data();
  return Status::Ok();
}

void CudaSearchDevice::TokensMoved(const LaneWork& work, uint32_t count) {
  ChannelTokens& channel = channels_[work.channel];
  channel.count = count;
  if (channel.next_own.size() > 0 && work.keys == channel.next_own.keys.data()) {
    channel.own = std::move(channel.next_own);
    channel.next_own = {};
  }
  channel.outgrown = channel.own.size() > 0 && work.keys == channel.own.keys.data();
  if (!channel.outgrown) channel.own = {};
}

void CudaSearchDevice::ForgetTokens(uint32_t channel) {
  channels_[channel].count = 0;
  if (!frames_only_) channels_[channel].own = {};
  channels_[channel].next_own = {};
  channels_[channel].outgrown = false;
}

Status CudaSearchDevice::Start(CudaSearchLaunch* launch) {
  // There was no memory for more.
  if (!frames_only_ && lanes_.empty()) SKALD_RETURN_IF_ERROR(AllocateLanes(lanes_.capacities()));
  LaneSearchPlan plan = plan_;
  plan.work = launch->work.data();
  plan.output = launch->output.data();
  plan.output_capacity = launch->output.size();
  plan.output_bytes = launch->output_bytes.data();
  plan.outcomes = launch->outcomes.data();
  if (launch->lane_work_count > 0) {
    lanes_.AddTo(&plan);
    plan.work_count = launch->lane_work_count;
    const int lanes = std::min(lane_count_, static_cast<int>(plan.work_count));
    SKALD_RETURN_IF_ERROR(LaunchLaneSearch(context_, plan, lanes));
  }
  if (launch->work_count > launch->lane_work_count) {
    frame_lanes_.AddTo(&plan);
    plan.work_count = launch->work_count;
    SKALD_RETURN_IF_ERROR(frame_search_->Launch(context_, plan, launch->lane_work_count));
  }
  SKALD_CUDA_RETURN_IF_ERROR(cudaEventRecord(launch->done, context_.stream));
  launch->in_flight = true;
  return Status::Ok();
}

Status CudaSearchDevice::Grow(const LaneCapacities& lanes_need, const LaneCapacities& frames_need,
                              bool* to_frames) {
  *to_frames = false;
  LaneCapacities needed = frames_need;
  if (AnythingNeeded(lanes_need)) {
    const LaneCapacities old = lanes_.capacities();
    const LaneCapacities capacities = EnlargedCapacities(old, lanes_need);
    *to_frames = MakeLaneLayout(capacities).total * static_cast<size_t>(lane_count_) > lane_memory_limit_;
    if (!*to_frames) {
      const Status status = AllocateLanes(capacities);
      *to_frames = status.code() == StatusCode::kDeviceOutOfMemory;
      SKALD_RETURN_IF_ERROR(*to_frames ? AllocateLanes(old) : status);
    }
    if (*to_frames) needed = LargerCapacities(needed, lanes_need);
  }
  if (!AnythingNeeded(needed)) return Status::Ok();
  const LaneCapacities capacities =
      EnlargedCapacities(LargerCapacities(frame_lanes_.capacities(), lanes_.capacities()), needed);
  Status status = AllocateFrameLanes(capacities);
  while (status.code() == StatusCode::kDeviceOutOfMemory && lane_count_ > 1) {
    lane_count_ /= 2;
    SKALD_RETURN_IF_ERROR(AllocateLanes(lanes_.capacities()));
    status = AllocateFrameLanes(capacities);
  }
  return status;
}

}  // namespace skald
