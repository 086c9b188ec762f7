#include "decoder/search/cuda_beam_search.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "decoder/search/cuda_search_device.h"
#include "decoder/search/history_lattice.h"
#include "decoder/search/lane_output.h"
#include "decoder/search/link_history.h"
#include "decoder/search/search_costs.h"
#include "kernels/search/lane_search.h"

namespace skald {
namespace {

enum class Phase { kNotBegun, kBegun, kRunning, kFinished };

/// A stream on the host.
struct Channel {
  explicit Channel(float lattice_beam) : history(lattice_beam) {}

  LinkHistory history;
  Phase phase = Phase::kNotBegun;  // kBegun: the device does not know of it yet
  Status status = Status::InvalidArgument("search has not begun");
  ChannelState state{};
  const CudaBoostAutomaton* boost = nullptr;
  std::vector<float> frontier_costs;  // of the history's last tokens, +infinity for entry states
  int64_t records_since_prune = 0;
  size_t last_prune_record = 0;
};

}  // namespace

struct CudaBeamSearch::State {
  State(const CudaGraphImage& graph_in, const SearchOptions& options_in)
      : graph(graph_in), options(options_in) {}
  ~State() {
    // The launch under way writes to memory that is about to be freed.
    for (CudaSearchLaunch& launch : launch_slots) {
      if (launch.in_flight) (void)cudaEventSynchronize(launch.done);
    }
  }

  /// Work that is left to do and whether lanes are to do it.
  struct Rest {
    LaneWork work;
    bool by_frames;
    bool too_small;  ///< more memory is needed
  };

  Status Start(CudaSearchLaunch* launch);
  Status Complete();
  Status Queue(CudaSearchLaunch* launch, std::vector<Rest> rest);
  std::vector<Rest> ReadOutcomes(const CudaSearchLaunch& launch, LaneCapacities* lanes_need,
                                 LaneCapacities* frames_need, uint64_t* output_bytes);
  void Collect(CudaSearchLaunch* launch);
  void PruneHistory(Channel* channel, uint32_t new_records);
  Status CollectChannel(int channel);

  const CudaGraphImage& graph;
  const SearchOptions options;
  std::unique_ptr<CudaSearchDevice> device;
  std::array<CudaSearchLaunch, 2> launch_slots;
  int next_slot = 0;
  std::vector<Channel> channels;
  LaneOutput lane_output;
  int64_t launches = 0;
  int64_t repeated_launches = 0;
  int64_t frame_searches = 0;
  int64_t output_bytes = 0;
};

CudaBeamSearch::CudaBeamSearch(std::unique_ptr<State> state) : state_(std::move(state)) {}
CudaBeamSearch::CudaBeamSearch(CudaBeamSearch&&) noexcept = default;
CudaBeamSearch& CudaBeamSearch::operator=(CudaBeamSearch&&) noexcept = default;
CudaBeamSearch::~CudaBeamSearch() = default;

StatusOr<CudaBeamSearch> CudaBeamSearch::Create(DeviceContext context, const CudaGraphImage& graph,
                                                const SearchOptions& options, const CudaSearchShape& shape) {
  SKALD_CHECK(options.Validate().ok(), "search options were not validated");
  if (options.min_active > 0) return Status::Unsupported("min_active is for searches on the CPU");
  if (shape.lanes < 1) return Status::InvalidArgument("lanes must be at least 1");
  if (shape.channels < 1) return Status::InvalidArgument("channels must be at least 1");
  if (shape.shared_hash_slots < 32 || shape.shared_hash_slots > 8192 ||
      !std::has_single_bit(static_cast<uint32_t>(shape.shared_hash_slots))) {
    return Status::InvalidArgument("shared_hash_slots must be a power of two from 32 to 8192");
  }
  if (shape.frame_blocks < 0) return Status::InvalidArgument("frame_blocks must not be negative");
  if (shape.frames_per_graph < 1) return Status::InvalidArgument("frames_per_graph must be at least 1");
  auto state = std::make_unique<State>(graph, options);
  SKALD_ASSIGN_OR_RETURN(state->device, CudaSearchDevice::Create(context, graph, options, shape));
  const size_t channels = static_cast<size_t>(shape.channels);
  state->channels.reserve(channels);
  for (size_t c = 0; c < channels; ++c) state->channels.emplace_back(options.lattice_beam);
  for (CudaSearchLaunch& launch : state->launch_slots) {
    // The frontier of each channel and what pruning leaves of its links.
    const uint64_t tokens = InitialLaneCapacities(options).tokens;
    SKALD_RETURN_IF_ERROR(launch.Allocate(channels, tokens * 32 * (channels + 1)));
  }
  return CudaBeamSearch(std::move(state));
}

StatusOr<int> CudaBeamSearch::ResidentLanes(const GraphImage& graph, const CudaSearchShape& shape) {
  const size_t bytes = SearchLaneSharedBytes(graph, shape);
  SKALD_RETURN_IF_ERROR(PrepareLaneSearch(bytes));
  return CountResidentLanes(bytes);
}

Status CudaBeamSearch::State::Start(CudaSearchLaunch* launch) {
  ++launches;
  frame_searches += launch->work_count - launch->lane_work_count;
  return device->Start(launch);
}

/// Makes the rest the work of a launch, that of lanes first, and starts it.
Status CudaBeamSearch::State::Queue(CudaSearchLaunch* launch, std::vector<Rest> rest) {
  std::stable_partition(rest.begin(), rest.end(), [](const Rest& r) { return !r.by_frames; });
  launch->work_count = launch->lane_work_count = 0;
  for (Rest& r : rest) {
    SKALD_RETURN_IF_ERROR(device->PlaceTokens(&r.work, r.by_frames));
    launch->work.data()[launch->work_count++] = r.work;
    launch->lane_work_count += !r.by_frames;
  }
  return Start(launch);
}

/// Work that is left to do, what it needs, and the new states of channels.
std::vector<CudaBeamSearch::State::Rest> CudaBeamSearch::State::ReadOutcomes(const CudaSearchLaunch& launch,
                                                                             LaneCapacities* lanes_need,
                                                                             LaneCapacities* frames_need,
                                                                             uint64_t* output_needed) {
  std::vector<Rest> rest;
  for (uint32_t w = 0; w < launch.work_count; ++w) {
    LaneWork work = launch.work.data()[w];
    const LaneOutcome& outcome = launch.outcomes.data()[w];
    const bool by_frames = w >= launch.lane_work_count;
    Channel& channel = channels[work.channel];
    channel.state = outcome.state;
    if (outcome.begun || work.begin == 0) channel.phase = Phase::kRunning;
    if (outcome.begun || outcome.rows_consumed > 0) device->TokensMoved(work, outcome.state.token_count);
    if (outcome.result == LaneResult::kBadScore) {
      channel.status = Status::InvalidArgument("score of unit " + std::to_string(outcome.bad_unit) +
                                               " is not within 1e6 nats")
                           .At("frame " + std::to_string(outcome.state.frames));
    }
    if (outcome.result == LaneResult::kDone || outcome.result == LaneResult::kBadScore) continue;
    LaneCapacities* const need = by_frames ? frames_need : lanes_need;
    *need = LargerCapacities(*need, outcome.needed);
    *output_needed = std::max(*output_needed, outcome.needed_output_bytes);
    work.scores += outcome.rows_consumed * work.stride;
    work.rows -= outcome.rows_consumed;
    if (outcome.begun) work.begin = 0;
    rest.push_back({work, by_frames, outcome.result == LaneResult::kLaneFull});
  }
  return rest;
}

/// Waits for the launch in flight. Where rows are left, collects its output and repeats until none are; else
/// leaves the output to be collected.
Status CudaBeamSearch::State::Complete() {
  for (CudaSearchLaunch& launch : launch_slots) {
    while (launch.in_flight) {
      launch.in_flight = false;
      SKALD_CUDA_RETURN_IF_ERROR(cudaEventSynchronize(launch.done));
      launch.has_output = true;
      LaneCapacities lanes_need, frames_need;
      uint64_t output_needed = 0;
      std::vector<Rest> rest = ReadOutcomes(launch, &lanes_need, &frames_need, &output_needed);
      if (rest.empty()) break;
      Collect(&launch);
      if (output_needed > 0) {
        SKALD_RETURN_IF_ERROR(launch.GrowOutput(std::max<uint64_t>(output_needed, 2 * launch.output.size())));
      }
      bool to_frames = false;
      const Status status = device->Grow(lanes_need, frames_need, &to_frames);
      if (!status.ok()) {
        for (const Rest& r : rest) channels[r.work.channel].status = status;
        return status;
      }
      for (Rest& r : rest) r.by_frames = r.by_frames || (to_frames && r.too_small);
      ++repeated_launches;
      SKALD_RETURN_IF_ERROR(Queue(&launch, std::move(rest)));
    }
  }
  return Status::Ok();
}

void CudaBeamSearch::State::Collect(CudaSearchLaunch* launch) {
  if (!launch->has_output) return;
  launch->has_output = false;
  const std::byte* place = launch->output.data();
  const std::byte* const end = place + *launch->output_bytes.data();
  output_bytes += end - place;
  while (place < end) {
    const SegmentHeader& header = *reinterpret_cast<const SegmentHeader*>(place);
    Channel& channel = channels[launch->work.data()[header.work].channel];
    if (header.number < launch->outcomes.data()[header.work].segments && channel.status.ok()) {
      PruneHistory(&channel, lane_output.Append(place, &channel.history, &channel.frontier_costs));
    }
    place += header.bytes;
  }
}

void CudaBeamSearch::State::PruneHistory(Channel* channel, uint32_t new_records) {
  channel->records_since_prune += new_records;
  if (options.prune_interval_frames == 0 || channel->records_since_prune < options.prune_interval_frames)
    return;
  // The stretch before this one is pruned again, now with a future of its own.
  channel->history.PruneSince(channel->last_prune_record);
  channel->last_prune_record =
      channel->history.record_count() - static_cast<size_t>(channel->records_since_prune);
  channel->records_since_prune = 0;
}

/// Collects all that was queued for a channel; waits only where it is part of the launch in flight.
Status CudaBeamSearch::State::CollectChannel(int channel) {
  for (CudaSearchLaunch& launch : launch_slots) {
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

void CudaBeamSearch::Begin(int channel_index, const CudaBoostAutomaton* boost) {
  SKALD_CHECK(channel_index >= 0 && static_cast<size_t>(channel_index) < state_->channels.size(),
              "no such channel");
  Channel& channel = state_->channels[static_cast<size_t>(channel_index)];
  (void)state_->CollectChannel(channel_index);  // of an earlier stream; a device that failed says so again
  channel.history.Clear();
  channel.phase = Phase::kBegun;
  channel.status = Status::Ok();
  channel.state = {};
  channel.boost = boost;
  channel.records_since_prune = 0;
  channel.last_prune_record = 0;
  state_->device->ForgetTokens(static_cast<uint32_t>(channel_index));
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
  CudaSearchLaunch& previous = state.launch_slots[static_cast<size_t>(1 - state.next_slot)];
  CudaSearchLaunch& launch = state.launch_slots[static_cast<size_t>(state.next_slot)];
  std::vector<State::Rest> queued;
  for (const Chunk& chunk : chunks) {
    Channel& channel = state.channels[static_cast<size_t>(chunk.channel)];
    if (!channel.status.ok() || channel.phase == Phase::kFinished) continue;
    if (chunk.scores.rows > 0 && chunk.scores.columns != units) {
      channel.status = Status::InvalidArgument("scores have " + std::to_string(chunk.scores.columns) +
                                               " columns, the graph has " + std::to_string(units) + " units");
      continue;
    }
    LaneWork work{};
    work.scores = chunk.scores.data;
    work.stride = chunk.scores.stride;
    work.rows = static_cast<int32_t>(chunk.scores.rows);
    work.channel = static_cast<uint32_t>(chunk.channel);
    work.begin = channel.phase == Phase::kBegun;
    work.last = chunk.last;
    if (channel.boost != nullptr) work.boost = channel.boost->table();
    work.least_arc_cost = LeastArcCost(state.graph.host().info(), state.options.word_penalty,
                                       channel.boost != nullptr ? channel.boost->host().least_cost() : 0.0f);
    queued.push_back({work, state.device->IsOutgrown(work.channel), false});
  }
  if (!queued.empty()) {
    SKALD_RETURN_IF_ERROR(state.Queue(&launch, std::move(queued)));
    state.next_slot = 1 - state.next_slot;
  }
  state.Collect(&previous);
  return Status::Ok();
}

Status CudaBeamSearch::Wait() {
  SKALD_RETURN_IF_ERROR(state_->Complete());
  for (CudaSearchLaunch& launch : state_->launch_slots) state_->Collect(&launch);
  return Status::Ok();
}

StatusOr<RawLattice> CudaBeamSearch::Finish(int channel_index) {
  State& state = *state_;
  if (channel_index < 0 || static_cast<size_t>(channel_index) >= state.channels.size()) {
    return Status::InvalidArgument("no such channel");
  }
  Channel& channel = state.channels[static_cast<size_t>(channel_index)];
  SKALD_RETURN_IF_ERROR(state.CollectChannel(channel_index));
  const bool incomplete = channel.phase == Phase::kBegun ||
                          (channel.phase == Phase::kRunning && channel.state.carried_records > 0);
  if (channel.status.ok() && incomplete) {
    const Chunk nothing{channel_index, {}, true};
    SKALD_RETURN_IF_ERROR(Advance({&nothing, 1}));
    SKALD_RETURN_IF_ERROR(Wait());
  }
  SKALD_RETURN_IF_ERROR(channel.status);
  channel.phase = Phase::kFinished;
  channel.status = Status::InvalidArgument("search has not begun");
  const BoostTable boost = channel.boost != nullptr ? channel.boost->host().table() : BoostTable();
  return FinishLattice(state.graph.host(), state.options, boost, channel.frontier_costs,
                       channel.state.least_cost, channel.state.smallest_width, &channel.history);
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

int CudaBeamSearch::lanes() const { return state_->device->lanes(); }
int64_t CudaBeamSearch::frame_searches() const { return state_->frame_searches; }
int64_t CudaBeamSearch::graph_launches() const { return state_->device->graph_launches(); }
int64_t CudaBeamSearch::launches() const { return state_->launches; }
int64_t CudaBeamSearch::repeated_launches() const { return state_->repeated_launches; }
int64_t CudaBeamSearch::output_bytes() const { return state_->output_bytes; }
size_t CudaBeamSearch::channel_bytes() const { return state_->device->channel_bytes(); }
size_t CudaBeamSearch::lane_bytes() const { return state_->device->lane_bytes(); }

}  // namespace skald
