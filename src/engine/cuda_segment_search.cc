#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/cuda/cuda_status.h"
#include "base/cuda/device_buffer.h"
#include "base/cuda/device_context.h"
#include "base/stopwatch.h"
#include "decoder/search/cuda_beam_search.h"
#include "engine/cuda_timer.h"
#include "engine/device_segment_search.h"

namespace skald {
namespace {

/// Frames of host scores that go up in one launch, for all segments together. Segments with scores on the
/// host are the exception: those that found no room in the device's pool.
constexpr int64_t kStagedFrames = 4096;
constexpr int kChannelsPerLane = 2;

/// A place for a segment.
struct Channel {
  bool used = false;
  uint64_t ticket = 0;
  ScoreSegment segment;
  size_t piece = 0;         // the next frames to be queued
  int64_t first_frame = 0;  // in that piece
  int64_t launch = 0;       // that its last frames were queued with
  double search_s = 0;

  bool queued_to_the_end() const { return piece == segment.pieces.size(); }
};

/// What searches on a device share.
struct Tables {
  CudaGraphImage graph;
  std::optional<CudaBoostAutomaton> boost;

  const CudaBoostAutomaton* boost_or_null() const { return boost ? &*boost : nullptr; }
};

/// Host scores on their way to a launch.
struct Staging {
  PinnedBuffer<float> host;
  DeviceBuffer<float> device;
};

/// When a launch ran.
struct Times {
  CudaTimer start, end;
  bool launched = false;
};

class CudaSegmentSearch : public DeviceSegmentSearch {
 public:
  static StatusOr<std::unique_ptr<DeviceSegmentSearch>> Create(std::shared_ptr<const Tables> tables,
                                                               const SearchOptions& options,
                                                               const CudaSearchShape& shape,
                                                               int64_t chunk_frames, int device) {
    SKALD_ASSIGN_OR_RETURN(CudaStream stream, CudaStream::Create(device));
    SKALD_ASSIGN_OR_RETURN(CudaBeamSearch search,
                           CudaBeamSearch::Create(stream.context(), tables->graph, options, shape));
    auto result = std::unique_ptr<CudaSegmentSearch>(new CudaSegmentSearch(
        std::move(stream), std::move(tables), std::move(search), shape.channels, chunk_frames));
    for (Times& times : result->times_) {
      SKALD_ASSIGN_OR_RETURN(times.start, CudaTimer::Create());
      SKALD_ASSIGN_OR_RETURN(times.end, CudaTimer::Create());
    }
    const size_t staged = static_cast<size_t>(kStagedFrames * result->units_);
    for (Staging& staging : result->staging_) {
      SKALD_ASSIGN_OR_RETURN(staging.host, PinnedBuffer<float>::Create(staged, "scores to be searched"));
      SKALD_ASSIGN_OR_RETURN(staging.device, DeviceBuffer<float>::Create(staged, "scores to be searched"));
    }
    return std::unique_ptr<DeviceSegmentSearch>(std::move(result));
  }

  int free_channels() const override { return static_cast<int>(channels_.size()) - used_; }
  bool idle() const override { return used_ == 0; }

  void Begin(uint64_t ticket, ScoreSegment segment) override {
    const auto free =
        std::find_if(channels_.begin(), channels_.end(), [](const Channel& c) { return !c.used; });
    SKALD_CHECK(free != channels_.end(), "more segments than channels");
    *free = {};
    free->used = true;
    free->ticket = ticket;
    free->segment = std::move(segment);
    free->launch = launch_;  // where it has no frames at all
    ++used_;
    search_.Begin(static_cast<int>(free - channels_.begin()), tables_->boost_or_null());
  }

  void Step(std::vector<SearchedSegment>* done) override {
    Stopwatch watch;
    const size_t first_done = done->size();
    const int64_t ended = launch_++;
    std::vector<CudaBeamSearch::Chunk> chunks;
    Status status = CudaStatus(cudaSetDevice(stream_.context().device), "cudaSetDevice");
    if (status.ok()) status = QueueChunks(&chunks);
    if (status.ok()) status = Launch(chunks);
    for (size_t c = 0; c < channels_.size(); ++c) {
      Channel& channel = channels_[c];
      if (!channel.used) continue;
      if (!status.ok()) {
        End(c, status, done);
      } else if (const Status& own = search_.channel_status(static_cast<int>(c)); !own.ok()) {
        End(c, own, done);  // no launch under way has frames of it
      } else if (channel.queued_to_the_end() && channel.launch <= ended) {
        Add(search_.statistics(static_cast<int>(c)), &counts_.search);
        End(c, search_.Finish(static_cast<int>(c)), done);
      }
    }
    // Everybody under way shares the time.
    const double share = watch.Seconds() / static_cast<double>(std::max<size_t>(
                                               1, static_cast<size_t>(used_) + done->size() - first_done));
    for (Channel& channel : channels_) channel.search_s += share;
    for (size_t i = first_done; i < done->size(); ++i) (*done)[i].search_s += share;
  }

  int device() const override { return stream_.context().device; }

  DeviceSearchCounts counts() const override {
    DeviceSearchCounts counts = counts_;
    counts.lanes = search_.lanes();
    counts.channels = static_cast<int>(channels_.size());
    counts.launches = search_.launches();
    counts.repeated_launches = search_.repeated_launches();
    counts.output_bytes = search_.output_bytes();
    return counts;
  }

 private:
  CudaSegmentSearch(CudaStream stream, std::shared_ptr<const Tables> tables, CudaBeamSearch search,
                    int channels, int64_t chunk_frames)
      : stream_(std::move(stream)),
        tables_(std::move(tables)),
        search_(std::move(search)),
        units_(tables_->graph.host().info().unit_count),
        chunk_frames_(chunk_frames),
        channels_(static_cast<size_t>(channels)) {}

  Status Launch(std::span<const CudaBeamSearch::Chunk> chunks) {
    Times& now = times_[static_cast<size_t>(launch_ % 2)];
    Times& before = times_[static_cast<size_t>((launch_ + 1) % 2)];
    SKALD_RETURN_IF_ERROR(now.start.Record(stream_.context()));
    SKALD_RETURN_IF_ERROR(search_.Advance(chunks));
    SKALD_RETURN_IF_ERROR(now.end.Record(stream_.context()));
    if (before.launched) counts_.device_s += before.end.SecondsSince(before.start);  // it is done
    now.launched = !chunks.empty();
    before.launched = false;
    return Status::Ok();
  }

  /// The next frames of every channel, of one piece each.
  Status QueueChunks(std::vector<CudaBeamSearch::Chunk>* chunks) {
    // This launch's staging was read by the launch before last, which is done.
    Staging& staging = staging_[static_cast<size_t>(launch_ % 2)];
    int64_t staged = 0;
    for (size_t c = 0; c < channels_.size(); ++c) {
      Channel& channel = channels_[c];
      if (!channel.used || channel.queued_to_the_end()) continue;
      const ScoreRows& piece = channel.segment.pieces[channel.piece];
      int64_t frames = std::min(chunk_frames_, piece.frames() - channel.first_frame);
      ScoreRows rows = piece.Rows(channel.first_frame, frames);
      if (!piece.on_device) {
        frames = std::min(frames, kStagedFrames - staged);
        if (frames == 0) continue;  // its turn comes in another launch
        if (piece.nll.columns == units_) {
          for (int64_t row = 0; row < frames; ++row) {
            std::copy_n(rows.nll.Row(row).data(), units_, staging.host.data() + (staged + row) * units_);
          }
        }
        rows.nll = {staging.device.data() + staged * units_, frames, piece.nll.columns};
        staged += frames;
      }
      chunks->push_back({static_cast<int>(c), rows.nll});
      channel.first_frame += frames;
      if (channel.first_frame == piece.frames()) {
        ++channel.piece;
        channel.first_frame = 0;
      }
      channel.launch = launch_;
    }
    // Lanes take chunks in this order: long ones last would keep the others waiting.
    std::stable_sort(chunks->begin(), chunks->end(),
                     [](const auto& a, const auto& b) { return a.scores.rows > b.scores.rows; });
    if (staged == 0) return Status::Ok();
    return staging.device.CopyFrom(stream_.context(),
                                   {staging.host.data(), static_cast<size_t>(staged * units_)});
  }

  void End(size_t c, StatusOr<RawLattice> lattice, std::vector<SearchedSegment>* done) {
    Channel& channel = channels_[c];
    SearchedSegment searched;
    searched.ticket = channel.ticket;
    searched.search_s = channel.search_s;
    if (IsDeviceFailure(lattice.status())) {
      // Fails where the device is lost, and the scores with it.
      if (Status copied = MoveToHost(&channel.segment); copied.ok()) {
        searched.segment = std::move(channel.segment);
      } else {
        lattice = copied;
      }
    }
    searched.lattice = std::move(lattice);
    done->push_back(std::move(searched));
    channel = {};
    --used_;
  }

  const CudaStream stream_;
  const std::shared_ptr<const Tables> tables_;
  std::array<Staging, 2> staging_;
  std::array<Times, 2> times_;
  CudaBeamSearch search_;
  const int64_t units_;
  const int64_t chunk_frames_;
  std::vector<Channel> channels_;
  int used_ = 0;
  int64_t launch_ = 0;  // the next one's number
  DeviceSearchCounts counts_;
};

}  // namespace

StatusOr<ScoreRows> CopyToDevice(const ScoreRows& rows, int device) {
  struct Owner {
    DeviceBuffer<float> nll;
    std::shared_ptr<const void> blank_nll;
  };
  const auto owner = std::make_shared<Owner>();
  owner->blank_nll = rows.owner;
  const size_t size = static_cast<size_t>(rows.frames() * rows.nll.columns);
  SKALD_CUDA_RETURN_IF_ERROR(cudaSetDevice(device));
  SKALD_ASSIGN_OR_RETURN(owner->nll, DeviceBuffer<float>::Create(size, "scores"));
  SKALD_CUDA_RETURN_IF_ERROR(
      cudaMemcpy(owner->nll.data(), rows.nll.data, size * sizeof(float), cudaMemcpyDefault));
  return ScoreRows{{owner->nll.data(), rows.frames(), rows.nll.columns}, rows.blank_nll, true, owner, device};
}

StatusOr<ScoreRows> CopyToHost(const ScoreRows& rows) {
  if (!rows.on_device) return rows;
  struct Owner {
    std::vector<float> nll, blank_nll;
  };
  const auto owner = std::make_shared<Owner>();
  owner->blank_nll.assign(rows.blank_nll, rows.blank_nll + rows.frames());
  owner->nll.resize(static_cast<size_t>(rows.frames() * rows.nll.columns));
  SKALD_CUDA_RETURN_IF_ERROR(
      cudaMemcpy(owner->nll.data(), rows.nll.data, owner->nll.size() * sizeof(float), cudaMemcpyDefault));
  return ScoreRows{
      {owner->nll.data(), rows.frames(), rows.nll.columns}, owner->blank_nll.data(), false, owner};
}

StatusOr<std::vector<std::unique_ptr<DeviceSegmentSearch>>> MakeCudaSegmentSearches(
    const GraphImage& graph, const SearchOptions& options, const DeviceSearchShape& shape, int device,
    int count, const BoostAutomaton* boost) {
  SKALD_ASSIGN_OR_RETURN(const CudaStream stream, CudaStream::Create(device));
  SKALD_ASSIGN_OR_RETURN(CudaGraphImage uploaded, CudaGraphImage::Upload(stream.context(), graph));
  std::optional<CudaBoostAutomaton> boosts;
  if (boost != nullptr) {
    SKALD_ASSIGN_OR_RETURN(boosts, CudaBoostAutomaton::Upload(stream.context(), *boost));
  }
  SKALD_RETURN_IF_ERROR(stream.Synchronize());
  const auto shared = std::make_shared<const Tables>(Tables{std::move(uploaded), std::move(boosts)});
  CudaSearchShape each;
  int lanes = shape.lanes;
  if (lanes == 0) {
    SKALD_ASSIGN_OR_RETURN(lanes, CudaBeamSearch::ResidentLanes(graph, each));
  }
  for (;; lanes = std::max(1, lanes / 2)) {
    const int channels = shape.channels > 0 ? shape.channels : kChannelsPerLane * lanes;
    each.lanes = std::max(1, lanes / count);
    each.channels = std::max(1, channels / count);
    std::vector<std::unique_ptr<DeviceSegmentSearch>> searches;
    Status status;
    for (int i = 0; i < count && status.ok(); ++i) {
      auto search = CudaSegmentSearch::Create(shared, options, each, shape.chunk_frames, device);
      status = search.status();
      if (search.ok()) searches.push_back(std::move(*search));
    }
    if (status.ok()) return searches;
    if (status.code() != StatusCode::kDeviceOutOfMemory || lanes == 1) return status;
  }
}

}  // namespace skald
