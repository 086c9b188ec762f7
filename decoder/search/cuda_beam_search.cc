#include "decoder/search/cuda_beam_search.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/cuda/device_buffer.h"
#include "decoder/search/history_lattice.h"
#include "decoder/search/link_history.h"
#include "kernels/search/lane_search.h"

namespace skald {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr uint32_t kMaxSharedScores = 8192;
constexpr uint32_t kLeastTokens = 64;
constexpr int64_t kMostWindowRecords = 256;

static_assert(kLaneEntryBit == kEntryBit && kLaneBlankCell == kBlankCell && kLaneRepeatCell == kRepeatCell &&
              kLaneEntryCell == kEntryCell);

uint32_t SharedScores(const GraphImage& graph) {
  return graph.info().unit_count <= kMaxSharedScores ? graph.info().unit_count : 0;
}

LaneCapacities InitialCapacities(const SearchOptions& options) {
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

/// With some to spare, so that a slowly growing frontier does not ask again and again.
uint32_t Enlarged(uint32_t capacity, uint32_t needed) {
  return needed <= capacity ? capacity : needed + needed / 4;
}

/// Reads consecutive arrays, each padded to 8 bytes.
class SegmentReader {
 public:
  explicit SegmentReader(const std::byte* place) : place_(place) {}
  template <typename T>
  std::span<const T> Take(size_t count) {
    const auto* const data = reinterpret_cast<const T*>(place_);
    place_ += (count * sizeof(T) + 7) / 8 * 8;
    return {data, count};
  }

 private:
  const std::byte* place_;
};

/// A launch and where it leaves its results, in pinned memory.
struct Launch {
  PinnedBuffer<LaneWork> work;
  PinnedBuffer<LaneOutcome> outcomes;
  PinnedBuffer<uint64_t> output_bytes;
  PinnedBuffer<std::byte> output;
  cudaEvent_t done = nullptr;
  uint32_t work_count = 0;
  bool in_flight = false;
  bool has_output = false;

  Launch() = default;
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;
  ~Launch() {
    if (done != nullptr) (void)cudaEventDestroy(done);
  }
};

enum class Phase { kNotBegun, kBegun, kRunning, kFinished };

/// A stream on the host.
struct Channel {
  explicit Channel(float lattice_beam) : history(lattice_beam) {}

  LinkHistory history;
  Phase phase = Phase::kNotBegun;  // kBegun: the device does not know of it yet
  Status status = Status::InvalidArgument("search has not begun");
  ChannelState state{};
  std::vector<float> frontier_costs;  // of the history's last tokens, +infinity for entry states
  int64_t records_since_prune = 0;
  size_t last_prune_record = 0;
};

}  // namespace

struct CudaBeamSearch::State {
  State(DeviceContext context_in, const CudaGraphImage& graph_in, const SearchOptions& options_in)
      : context(context_in), graph(graph_in), options(options_in) {}
  ~State() {
    // The launch under way writes to memory that is about to be freed.
    for (Launch& launch : launch_slots) {
      if (launch.in_flight) (void)cudaEventSynchronize(launch.done);
    }
  }

  Status Allocate(const LaneCapacities& capacities);
  Status AllocateLanes();
  Status GrowOutput(Launch* launch, uint64_t bytes);
  Status Start(Launch* launch);
  Status Complete();
  std::vector<LaneWork> ReadOutcomes(const Launch& launch, LaneCapacities* needed, uint64_t* output_bytes);
  void Collect(Launch* launch);
  void CollectSegment(const std::byte* segment, const Launch& launch);
  RawLattice BuildLatticeOf(Channel* channel);
  Status CollectChannel(int channel);

  DeviceContext context;
  const CudaGraphImage& graph;
  const SearchOptions options;
  LaneSearchPlan plan{};
  int lanes = 0;
  DeviceBuffer<std::byte> lane_memory;
  DeviceBuffer<ChannelState> channel_states;
  DeviceBuffer<uint64_t> channel_keys;
  DeviceBuffer<float> channel_costs;
  DeviceBuffer<LaneQueue> queue;
  std::array<Launch, 2> launch_slots;
  int next_slot = 0;
  std::vector<Channel> channels;
  std::vector<TokenLink> emitting, others;  // scratch of CollectSegment
  int64_t launches = 0;
  int64_t repeated_launches = 0;
  int64_t output_bytes = 0;
};

CudaBeamSearch::CudaBeamSearch(std::unique_ptr<State> state) : state_(std::move(state)) {}
CudaBeamSearch::CudaBeamSearch(CudaBeamSearch&&) noexcept = default;
CudaBeamSearch& CudaBeamSearch::operator=(CudaBeamSearch&&) noexcept = default;
CudaBeamSearch::~CudaBeamSearch() = default;

StatusOr<CudaBeamSearch> CudaBeamSearch::Create(DeviceContext context, const CudaGraphImage& graph,
                                                const SearchOptions& options, const CudaSearchShape& shape) {
  SKALD_CHECK(options.Validate().ok(), "search options were not validated");
  if (shape.lanes < 1) return Status::InvalidArgument("lanes must be at least 1");
  if (shape.channels < 1) return Status::InvalidArgument("channels must be at least 1");
  if (shape.shared_hash_slots < 32 || shape.shared_hash_slots > 8192 ||
      !std::has_single_bit(static_cast<uint32_t>(shape.shared_hash_slots))) {
    return Status::InvalidArgument("shared_hash_slots must be a power of two from 32 to 8192");
  }
  SKALD_CUDA_RETURN_IF_ERROR(cudaSetDevice(context.device));
  auto state = std::make_unique<State>(context, graph, options);
  const GraphInfo& info = graph.host().info();
  LaneSearchPlan& plan = state->plan;
  plan.cells = graph.cells();
  plan.start_block = info.start_block;
  plan.units = info.unit_count;
  plan.beam = options.beam;
  plan.lattice_beam = options.lattice_beam;
  plan.early_link_beam = options.prune_links_early ? options.lattice_beam : kInfinity;
  plan.least_arc_cost = std::min(info.min_arc_cost, info.min_arc_cost + options.word_penalty);
  plan.word_penalty = options.word_penalty;
  plan.max_active = static_cast<uint32_t>(options.max_active);
  plan.max_arcs = static_cast<uint32_t>(std::min<int64_t>(options.max_arcs_per_frame, 0xFFFFFFF0));
  plan.collapse_blanks = options.collapse_blanks;
  plan.hash_multiplier = (options.hash_seed << 1) ^ 0x9E3779B97F4A7C15u;
  plan.shared_slots = static_cast<uint32_t>(shape.shared_hash_slots);
  plan.shared_scores = SharedScores(graph.host()) > 0;
  SKALD_RETURN_IF_ERROR(PrepareLaneSearch(LaneSharedBytes(plan.shared_slots, SharedScores(graph.host()))));

  state->lanes = shape.lanes;
  const size_t channels = static_cast<size_t>(shape.channels);
  state->channels.reserve(channels);
  for (size_t c = 0; c < channels; ++c) state->channels.emplace_back(options.lattice_beam);
  SKALD_ASSIGN_OR_RETURN(state->queue, DeviceBuffer<LaneQueue>::Create(1, "the queue of the search"));
  SKALD_CUDA_RETURN_IF_ERROR(cudaMemsetAsync(state->queue.data(), 0, sizeof(LaneQueue), context.stream));
  SKALD_ASSIGN_OR_RETURN(state->channel_states,
                         DeviceBuffer<ChannelState>::Create(channels, "states of search channels"));
  plan.queue = state->queue.data();
  plan.channels = state->channel_states.data();
  for (Launch& launch : state->launch_slots) {
    SKALD_ASSIGN_OR_RETURN(launch.work, PinnedBuffer<LaneWork>::Create(channels, "work of the search"));
    SKALD_ASSIGN_OR_RETURN(launch.outcomes,
                           PinnedBuffer<LaneOutcome>::Create(channels, "outcomes of the search"));
    SKALD_ASSIGN_OR_RETURN(launch.output_bytes,
                           PinnedBuffer<uint64_t>::Create(1, "output size of the search"));
    SKALD_CUDA_RETURN_IF_ERROR(cudaEventCreateWithFlags(&launch.done, cudaEventDisableTiming));
    // The frontier of each channel and what pruning leaves of its links.
    const uint64_t tokens = std::max(kLeastTokens, static_cast<uint32_t>(options.initial_tokens));
    SKALD_RETURN_IF_ERROR(state->GrowOutput(&launch, tokens * 32 * (channels + 1)));
  }
  SKALD_RETURN_IF_ERROR(state->Allocate(InitialCapacities(options)));
  return CudaBeamSearch(std::move(state));
}

StatusOr<int> CudaBeamSearch::ResidentLanes(const GraphImage& graph, const CudaSearchShape& shape) {
  const size_t bytes = LaneSharedBytes(static_cast<uint32_t>(shape.shared_hash_slots), SharedScores(graph));
  SKALD_RETURN_IF_ERROR(PrepareLaneSearch(bytes));
  return CountResidentLanes(bytes);
}

/// Memory of lanes and channels for `capacities`; channels keep their tokens. No launch is in flight.
Status CudaBeamSearch::State::Allocate(const LaneCapacities& capacities) {
  lane_memory = {};
  const LaneCapacities old = plan.capacities;
  if (capacities.tokens != old.tokens) {
    const size_t entries = channels.size() * capacities.tokens;
    SKALD_ASSIGN_OR_RETURN(auto keys, DeviceBuffer<uint64_t>::Create(entries, "tokens of search channels"));
    SKALD_ASSIGN_OR_RETURN(auto costs, DeviceBuffer<float>::Create(entries, "costs of search channels"));
    for (size_t c = 0; c < channels.size(); ++c) {
      if (channels[c].phase != Phase::kRunning || channels[c].state.token_count == 0) continue;
      const size_t tokens = channels[c].state.token_count;
      SKALD_CUDA_RETURN_IF_ERROR(
          cudaMemcpyAsync(keys.data() + c * capacities.tokens, plan.channel_keys + c * old.tokens,
                          tokens * sizeof(uint64_t), cudaMemcpyDeviceToDevice, context.stream));
      SKALD_CUDA_RETURN_IF_ERROR(cudaMemcpyAsync(costs.data() + c * capacities.tokens,
                                                 plan.channel_costs + c * old.tokens, tokens * sizeof(float),
                                                 cudaMemcpyDeviceToDevice, context.stream));
    }
    SKALD_CUDA_RETURN_IF_ERROR(cudaStreamSynchronize(context.stream));
    channel_keys = std::move(keys);
    channel_costs = std::move(costs);
  }
  plan.capacities = capacities;
  plan.layout = MakeLaneLayout(capacities);
  plan.channel_keys = channel_keys.data();
  plan.channel_costs = channel_costs.data();
  return AllocateLanes();
}

Status CudaBeamSearch::State::AllocateLanes() {
  const size_t pitch = plan.layout.total, count = static_cast<size_t>(lanes);
  SKALD_ASSIGN_OR_RETURN(lane_memory, DeviceBuffer<std::byte>::Create(pitch * count, "lanes of the search"));
  plan.lane_memory = lane_memory.data();
  SKALD_CUDA_RETURN_IF_ERROR(cudaMemset2DAsync(lane_memory.data() + plan.layout.spill_keys, pitch, 0xFF,
                                               size_t{plan.layout.spill_slots} * 8, count, context.stream));
  return CudaStatus(cudaMemset2DAsync(lane_memory.data() + plan.layout.spill_costs, pitch, 0x7F,
                                      size_t{plan.layout.spill_slots} * 4, count, context.stream),
                    "cudaMemset2DAsync");
}

Status CudaBeamSearch::State::GrowOutput(Launch* launch, uint64_t bytes) {
  if (bytes <= launch->output.size()) return Status::Ok();
  launch->output = {};
  SKALD_ASSIGN_OR_RETURN(launch->output, PinnedBuffer<std::byte>::Create(bytes, "output of the search"));
  return Status::Ok();
}

Status CudaBeamSearch::State::Start(Launch* launch) {
  if (lane_memory.data() == nullptr) SKALD_RETURN_IF_ERROR(AllocateLanes());  // there was no memory for more
  plan.work = launch->work.data();
  plan.work_count = launch->work_count;
  plan.output = launch->output.data();
  plan.output_capacity = launch->output.size();
  plan.output_bytes = launch->output_bytes.data();
  plan.outcomes = launch->outcomes.data();
  ++launches;
  SKALD_RETURN_IF_ERROR(
      LaunchLaneSearch(context, plan, std::min(lanes, static_cast<int>(std::max(launch->work_count, 1u)))));
  SKALD_CUDA_RETURN_IF_ERROR(cudaEventRecord(launch->done, context.stream));
  launch->in_flight = true;
  return Status::Ok();
}

/// Work that is left to do, what it needs, and the new states of channels.
std::vector<LaneWork> CudaBeamSearch::State::ReadOutcomes(const Launch& launch, LaneCapacities* needed,
                                                          uint64_t* output_bytes) {
  std::vector<LaneWork> rest;
  for (uint32_t w = 0; w < launch.work_count; ++w) {
    LaneWork work = launch.work.data()[w];
    const LaneOutcome& outcome = launch.outcomes.data()[w];
    Channel& channel = channels[work.channel];
    channel.state = outcome.state;
    if (outcome.begun || work.begin == 0) channel.phase = Phase::kRunning;
    if (outcome.result == LaneResult::kBadScore) {
      channel.status = Status::InvalidArgument("score of unit " + std::to_string(outcome.bad_unit) +
                                               " is not within 1e6 nats")
                           .At("frame " + std::to_string(outcome.state.frames));
    }
    if (outcome.result == LaneResult::kDone || outcome.result == LaneResult::kBadScore) continue;
    const LaneCapacities& more = outcome.needed;
    needed->tokens = std::max(needed->tokens, more.tokens);
    needed->candidates = std::max(needed->candidates, more.candidates);
    needed->other_links = std::max(needed->other_links, more.other_links);
    needed->window_tokens = std::max(needed->window_tokens, more.window_tokens);
    needed->window_links = std::max(needed->window_links, more.window_links);
    *output_bytes = std::max(*output_bytes, outcome.needed_output_bytes);
    work.scores += outcome.rows_consumed * work.stride;
    work.rows -= outcome.rows_consumed;
    if (outcome.begun) work.begin = 0;
    rest.push_back(work);
  }
  return rest;
}

/// Waits for the launch in flight. Where rows are left, collects its output and repeats until none are; else
/// leaves the output to be collected.
Status CudaBeamSearch::State::Complete() {
  for (Launch& launch : launch_slots) {
    if (!launch.in_flight) continue;
    for (;;) {
      launch.in_flight = false;
      SKALD_CUDA_RETURN_IF_ERROR(cudaEventSynchronize(launch.done));
      launch.has_output = true;
      LaneCapacities needed{};
      uint64_t output_bytes = 0;
      const std::vector<LaneWork> rest = ReadOutcomes(launch, &needed, &output_bytes);
      if (rest.empty()) break;
      Collect(&launch);
      if (output_bytes > 0) {
        SKALD_RETURN_IF_ERROR(
            GrowOutput(&launch, std::max<uint64_t>(output_bytes, 2 * launch.output.size())));
      }
      LaneCapacities capacities = plan.capacities;
      capacities.tokens = Enlarged(capacities.tokens, needed.tokens);
      capacities.candidates = Enlarged(capacities.candidates, needed.candidates);
      capacities.other_links = Enlarged(capacities.other_links, needed.other_links);
      capacities.window_tokens = Enlarged(capacities.window_tokens, needed.window_tokens);
      capacities.window_links = Enlarged(capacities.window_links, needed.window_links);
      if (std::memcmp(&capacities, &plan.capacities, sizeof capacities) != 0) {
        Status status = Allocate(capacities);
        while (status.code() == StatusCode::kDeviceOutOfMemory && lanes > 1) {
          lanes /= 2;
          status = Allocate(capacities);
        }
        if (!status.ok()) {
          for (const LaneWork& work : rest) channels[work.channel].status = status;
          return status;
        }
      }
      std::copy(rest.begin(), rest.end(), launch.work.data());
      launch.work_count = static_cast<uint32_t>(rest.size());
      ++repeated_launches;
      SKALD_RETURN_IF_ERROR(Start(&launch));
    }
  }
  return Status::Ok();
}

void CudaBeamSearch::State::Collect(Launch* launch) {
  if (!launch->has_output) return;
  launch->has_output = false;
  const std::byte* place = launch->output.data();
  const std::byte* const end = place + *launch->output_bytes.data();
  output_bytes += end - place;
  while (place < end) {
    CollectSegment(place, *launch);
    place += reinterpret_cast<const SegmentHeader*>(place)->bytes;
  }
}

void CudaBeamSearch::State::CollectSegment(const std::byte* segment, const Launch& launch) {
  SegmentReader reader(segment);
  const SegmentHeader& header = reader.Take<SegmentHeader>(1)[0];
  Channel& channel = channels[launch.work.data()[header.work].channel];
  if (header.number >= launch.outcomes.data()[header.work].segments || !channel.status.ok()) return;
  for (const float cost : reader.Take<float>(header.leading_collapsed))
    channel.history.AppendCollapsedFrame(cost);
  const auto to_token_links = [](std::span<const LaneLink> links, std::vector<TokenLink>* result) {
    result->clear();
    for (const LaneLink& link : links) {
      result->push_back({link.source, link.destination, link.cell, link.slack, link.acoustic_cost});
    }
  };
  for (const SegmentRecord& record : reader.Take<SegmentRecord>(header.records)) {
    const std::span<const uint64_t> keys = reader.Take<uint64_t>(record.tokens);
    const std::span<const LaneLink> links = reader.Take<LaneLink>(record.links + record.other_links);
    to_token_links(links.first(record.links), &emitting);
    to_token_links(links.subspan(record.links), &others);
    channel.history.Append(keys, emitting, others);
    for (const float cost : reader.Take<float>(record.collapsed)) channel.history.AppendCollapsedFrame(cost);
  }
  const std::span<const float> costs = reader.Take<float>(header.frontier_costs);
  if (!costs.empty()) channel.frontier_costs.assign(costs.begin(), costs.end());
  channel.records_since_prune += header.records;
  if (options.prune_interval_frames > 0 && channel.records_since_prune >= options.prune_interval_frames) {
    // The stretch before this one is pruned again, now with a future of its own.
    channel.history.PruneSince(channel.last_prune_record);
    channel.last_prune_record =
        channel.history.record_count() - static_cast<size_t>(channel.records_since_prune);
    channel.records_since_prune = 0;
  }
}

/// Collects all that was queued for a channel; waits only where it is part of the launch in flight.
Status CudaBeamSearch::State::CollectChannel(int channel) {
  for (Launch& launch : launch_slots) {
    const std::span<const LaneWork> queued(launch.work.data(), launch.work_count);
    const bool has_channel = std::any_of(queued.begin(), queued.end(), [&](const LaneWork& work) {
      return work.channel == static_cast<uint32_t>(channel);
    });
    if (!has_channel) continue;
    if (launch.in_flight) SKALD_RETURN_IF_ERROR(Complete());
    Collect(&launch);
  }
  return Status::Ok();
}

void CudaBeamSearch::Begin(int channel_index) {
  SKALD_CHECK(channel_index >= 0 && static_cast<size_t>(channel_index) < state_->channels.size(),
              "no such channel");
  Channel& channel = state_->channels[static_cast<size_t>(channel_index)];
  (void)state_->CollectChannel(channel_index);  // of an earlier stream; a device that failed says so again
  channel.history.Clear();
  channel.phase = Phase::kBegun;
  channel.status = Status::Ok();
  channel.state = {};
  channel.records_since_prune = 0;
  channel.last_prune_record = 0;
}

Status CudaBeamSearch::Advance(std::span<const Chunk> chunks) {
  State& state = *state_;
  const int64_t units = state.graph.host().info().unit_count;
  SKALD_RETURN_IF_ERROR(state.Complete());
  std::vector<bool> seen(state.channels.size());
  for (const Chunk& chunk : chunks) {
    const size_t index = static_cast<size_t>(chunk.channel);
    if (chunk.channel < 0 || index >= state.channels.size())
      return Status::InvalidArgument("no such channel");
    if (seen[index])
      return Status::InvalidArgument("two chunks for channel " + std::to_string(chunk.channel));
    seen[index] = true;
  }
  Launch& previous = state.launch_slots[static_cast<size_t>(1 - state.next_slot)];
  Launch& launch = state.launch_slots[static_cast<size_t>(state.next_slot)];
  launch.work_count = 0;
  for (const Chunk& chunk : chunks) {
    Channel& channel = state.channels[static_cast<size_t>(chunk.channel)];
    if (!channel.status.ok() || channel.phase == Phase::kFinished) continue;
    if (chunk.scores.rows > 0 && chunk.scores.columns != units) {
      channel.status = Status::InvalidArgument("scores have " + std::to_string(chunk.scores.columns) +
                                               " columns, the graph has " + std::to_string(units) + " units");
      continue;
    }
    LaneWork& work = launch.work.data()[launch.work_count++];
    work = {};
    work.scores = chunk.scores.data;
    work.stride = chunk.scores.stride;
    work.rows = static_cast<int32_t>(chunk.scores.rows);
    work.channel = static_cast<uint32_t>(chunk.channel);
    work.begin = channel.phase == Phase::kBegun;
  }
  if (launch.work_count > 0) {
    SKALD_RETURN_IF_ERROR(state.Start(&launch));
    state.next_slot = 1 - state.next_slot;
  }
  state.Collect(&previous);
  return Status::Ok();
}

Status CudaBeamSearch::Wait() {
  SKALD_RETURN_IF_ERROR(state_->Complete());
  for (Launch& launch : state_->launch_slots) state_->Collect(&launch);
  return Status::Ok();
}

StatusOr<RawLattice> CudaBeamSearch::Finish(int channel_index) {
  State& state = *state_;
  if (channel_index < 0 || static_cast<size_t>(channel_index) >= state.channels.size()) {
    return Status::InvalidArgument("no such channel");
  }
  Channel& channel = state.channels[static_cast<size_t>(channel_index)];
  SKALD_RETURN_IF_ERROR(state.CollectChannel(channel_index));
  if (channel.status.ok() && channel.phase == Phase::kBegun) {
    const Chunk nothing{channel_index, {}};
    SKALD_RETURN_IF_ERROR(Advance({&nothing, 1}));
    SKALD_RETURN_IF_ERROR(Wait());
  }
  SKALD_RETURN_IF_ERROR(channel.status);
  channel.phase = Phase::kFinished;
  channel.status = Status::InvalidArgument("search has not begun");
  return state.BuildLatticeOf(&channel);
}

/// BeamSearch::Finish.
RawLattice CudaBeamSearch::State::BuildLatticeOf(Channel* channel) {
  const std::vector<float>& costs = channel->frontier_costs;
  const GraphImage& host = graph.host();
  LinkHistory& history = channel->history;
  const std::span<const TokenKey> keys = history.tokens(history.record_count() - 1);
  SKALD_CHECK(keys.size() == costs.size(), "frontier and history differ");
  const auto final_cost = [&](TokenKey key) {
    return IsEntry(key) ? kInfinity : host.header(BlockOf(key)).final_cost;
  };
  float best = kInfinity;
  for (size_t t = 0; t < keys.size(); ++t) best = std::min(best, costs[t] + final_cost(keys[t]));
  const bool partial = best == kInfinity;
  if (partial) best = channel->state.least_cost;
  std::vector<float> extra_cost(keys.size(), kInfinity);
  for (size_t t = 0; t < keys.size(); ++t) {
    if (!IsEntry(keys[t])) extra_cost[t] = (costs[t] + (partial ? 0.0f : final_cost(keys[t]))) - best;
  }
  history.PruneAll(extra_cost);
  std::vector<float> final_costs;
  for (const TokenKey key : history.tokens(history.record_count() - 1)) {
    final_costs.push_back(IsEntry(key) ? kInfinity : partial ? 0.0f : final_cost(key));
  }
  RawLattice lattice = BuildLattice(host, history, final_costs, options.word_penalty, {});
  lattice.partial = partial;
  lattice.lattice_beam = options.lattice_beam;
  lattice.smallest_beam = channel->state.smallest_width;
  return lattice;
}

const Status& CudaBeamSearch::channel_status(int channel) const {
  return state_->channels[static_cast<size_t>(channel)].status;
}

SearchStatistics CudaBeamSearch::statistics(int channel) const {
  const ChannelState& state = state_->channels[static_cast<size_t>(channel)].state;
  SearchStatistics statistics;
  statistics.frames = state.frames;
  statistics.collapsed_frames = state.collapsed_frames;
  statistics.tokens = state.tokens;
  statistics.peak_tokens = state.peak_tokens;
  statistics.arcs_tried = state.arcs_tried;
  statistics.arcs_kept = state.arcs_kept;
  statistics.links_made = state.links_made;
  statistics.max_active_frames = state.max_active_frames;
  statistics.capped_frames = state.capped_frames;
  return statistics;
}

int CudaBeamSearch::lanes() const { return state_->lanes; }
int64_t CudaBeamSearch::launches() const { return state_->launches; }
int64_t CudaBeamSearch::repeated_launches() const { return state_->repeated_launches; }
int64_t CudaBeamSearch::output_bytes() const { return state_->output_bytes; }
size_t CudaBeamSearch::channel_bytes() const {
  return size_t{state_->plan.capacities.tokens} * (sizeof(uint64_t) + sizeof(float)) + sizeof(ChannelState);
}
size_t CudaBeamSearch::lane_bytes() const { return state_->plan.layout.total; }

}  // namespace skald
