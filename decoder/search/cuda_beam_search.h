#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/cuda/device_context.h"
#include "base/status.h"
#include "base/view.h"
#include "decoder/lattice/raw_lattice.h"
#include "decoder/search/beam_search.h"
#include "decoder/search/cuda_boost_automaton.h"
#include "decoder/search/cuda_graph_image.h"
#include "decoder/search/search_options.h"

namespace skald {

/// How the device searches. The results are the same, bit for bit.
enum class CudaSearchMethod {
  /// A thread block for each stream, one launch for a chunk of all: for many streams.
  kLanes,
  /// Several thread blocks for each frame of a stream, in some kernels one after the other: for few streams
  /// with
  /// very many tokens. Streams that outgrow kLanes are searched like this for as long.
  kFrames,
};

/// What a CudaBeamSearch makes room for.
struct CudaSearchShape {
  /// Compute slots: streams that are searched at the same time, one thread block each. Larger: more
  /// throughput up to CudaBeamSearch::ResidentLanes, about 1 KiB of device memory for each of
  /// SearchOptions::initial_tokens.
  int lanes = 1;
  /// Streams that can be open at the same time; 12 bytes of device memory each for each of initial_tokens (48
  /// KiB by default), more only after frames that had more tokens.
  int channels = 1;
  /// Token hash of a lane in shared memory, a power of two from 32 to 8192, 12 bytes each. Larger: fewer
  /// frames overflow to global memory, fewer lanes fit on a multiprocessor. Does not change the result.
  int shared_hash_slots = 2048;

  /// Device memory of each channel for frames of the past that only later ones prune well, left from one
  /// launch to the next; at most 128 frames. Larger: less output of short chunks: of 0.6 s, 512 KiB suffice
  /// for 200 tokens a frame. 0: each launch flushes all that it searched, which suits chunks of 10 s and
  /// more.
  size_t carried_window_bytes = 0;

  CudaSearchMethod method = CudaSearchMethod::kLanes;
  /// Most device memory for lanes in all. What would need more because of one stream's hard frames is
  /// searched as with kFrames, one stream at a time. Larger: hard frames cost less time, more memory. 0: a
  /// quarter of the device's.
  size_t lane_memory_limit_bytes = 0;
  /// kFrames: thread blocks of a stream; 0: one for each multiprocessor. More than there is work for is time
  /// lost.
  int frame_blocks = 0;
  /// kFrames: frames of a graph launch. Larger: fewer launches, more idle kernels at the end of a chunk.
  int frames_per_graph = 32;
};

/// The search of BeamSearch on a CUDA device, for many streams at a time: the same lattices bit for bit,
/// whatever the number of lanes, the division into chunks, or the streams beside. One launch searches a chunk
/// of every stream given; the host is not asked in between, and receives what window pruning left. Links and
/// tokens reach the host while the next launch runs.
///
/// Chunks: a launch flushes all that it searched, and about two seconds of frames before its end are hardly
/// pruned then. Streams that are known as a whole are best given in chunks of 10 s and more (2.5 KB of output
/// a frame with the English model). Live ones come in short ones (15 KB a frame in chunks of 0.6 s): with
/// carried_window_bytes, launches leave these frames to the next one.
///
/// Frames that outgrow a lane's memory end the launch for their stream; the next call enlarges the memory of
/// the lanes and goes on, or, past lane_memory_limit_bytes, searches the stream with
/// CudaSearchMethod::kFrames until its tokens fit again. There are fewer lanes afterwards where the device
/// has no memory for that.
///
/// Not thread safe. Searches may share a graph; two searches that take turns keep the device busy while the
/// host collects. Work is queued on the stream of the context; calls wait only for launches of the same
/// search.
class CudaBeamSearch {
 public:
  /// Rows [frames, units] on the device for a channel, as BeamSearch::Advance takes them; no rows are
  /// allowed.
  struct Chunk {
    int channel = 0;
    ScoreView scores;
    /// The stream ends here: Finish needs no launch of its own. Of no concern where carried_window_bytes is
    /// 0.
    bool last = false;
  };

  /// `options` must be valid; the graph outlives the search. Fails with kDeviceOutOfMemory where lanes and
  /// channels do not fit: fewer lanes may; kInvalidArgument naming the field of the shape.
  static StatusOr<CudaBeamSearch> Create(DeviceContext context, const CudaGraphImage& graph,
                                         const SearchOptions& options, const CudaSearchShape& shape);

  /// Lanes that the current device runs at the same time.
  static StatusOr<int> ResidentLanes(const GraphImage& graph, const CudaSearchShape& shape);

  CudaBeamSearch(CudaBeamSearch&&) noexcept;
  CudaBeamSearch& operator=(CudaBeamSearch&&) noexcept;
  ~CudaBeamSearch();  ///< waits for the launch under way

  /// Starts a stream on a channel; what an earlier one left is dropped. `boost` outlives the stream; null:
  /// nothing boosted.
  void Begin(int channel, const CudaBoostAutomaton* boost = nullptr);

  /// Queues one launch for all chunks; at most one chunk for a channel. Returns when the launch before is
  /// done and its output collected, and fails with what became of it: kDeviceError, or kDeviceOutOfMemory
  /// where not even one lane fits. The scores are read until the next call of Advance, Wait or Finish
  /// returns. Streams whose scores are bad fail alone (channel_status), the rest of their rows is ignored.
  Status Advance(std::span<const Chunk> chunks);

  /// Waits for the launch under way and collects its output.
  Status Wait();

  /// Ends the stream: its lattice, as BeamSearch::Finish. Waits only where the stream is part of the launch
  /// under way, was not advanced at all, or has frames that are carried: streams that ended in the launch
  /// before are best finished while the next one runs. Fails with channel_status where that is not ok.
  StatusOr<RawLattice> Finish(int channel);

  /// Of what was collected so far: kInvalidArgument naming the frame where a score is out of range.
  const Status& channel_status(int channel) const;
  SearchStatistics statistics(int channel) const;

  /// Lanes now: less than asked for where memory had to be enlarged beyond what the device has.
  int lanes() const;
  /// Parts of launches that were searched with kFrames so far, and graph launches for them.
  int64_t frame_searches() const;
  int64_t graph_launches() const;
  /// Launches so far, and of these the ones that repeated a frame with more memory or took up where the
  /// output was full.
  int64_t launches() const;
  int64_t repeated_launches() const;
  int64_t output_bytes() const;  ///< that the device wrote to the host so far
  size_t channel_bytes() const;  ///< device memory of an idle channel
  size_t lane_bytes() const;     ///< device memory of a lane

 private:
  struct State;
  explicit CudaBeamSearch(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace skald
