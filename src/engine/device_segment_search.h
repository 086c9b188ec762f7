#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/status.h"
#include "decoder/graph/graph_image.h"
#include "decoder/lattice/raw_lattice.h"
#include "decoder/search/beam_search.h"
#include "decoder/search/boost_automaton.h"
#include "decoder/search/search_options.h"
#include "engine/device_list.h"
#include "engine/endpointer.h"

namespace skald {

/// What a device search makes room for.
struct DeviceSearchShape {
  /// Segments that are searched at the same time; 0: as many as the device runs at once. Where memory is
  /// short it becomes less by itself.
  int lanes = 0;
  /// Segments that can be under way; 0: twice the lanes, so that lanes find work however uneven segments are.
  /// The state of one between launches is its frontier: 12 bytes of device memory for each of
  /// SearchOptions::initial_tokens (48 KiB), and four times that of pinned host memory for output.
  int channels = 0;
  /// Frames of a segment in one launch. Larger: fewer launches and less output (see CudaBeamSearch), but
  /// short segments wait longer for the launch of long ones, and other work for the device.
  int64_t chunk_frames = 768;
};

/// What a device search did so far.
struct DeviceSearchCounts {
  int lanes = 0;  ///< now
  int channels = 0;
  int64_t launches = 0;
  int64_t repeated_launches = 0;
  int64_t output_bytes = 0;
  double device_s = 0;      ///< of launches, by events
  SearchStatistics search;  ///< sums over the segments that ended; peak_tokens is the greatest
};

/// Sums up, but for peak_tokens.
inline void Add(const SearchStatistics& more, SearchStatistics* sum) {
  sum->frames += more.frames;
  sum->collapsed_frames += more.collapsed_frames;
  sum->tokens += more.tokens;
  sum->peak_tokens = std::max(sum->peak_tokens, more.peak_tokens);
  sum->arcs_tried += more.arcs_tried;
  sum->arcs_kept += more.arcs_kept;
  sum->links_made += more.links_made;
  sum->max_active_frames += more.max_active_frames;
  sum->capped_frames += more.capped_frames;
}

/// A segment whose search ended.
struct SearchedSegment {
  uint64_t ticket = 0;
  StatusOr<RawLattice> lattice = Status::InvalidArgument("not searched");
  /// Where the device failed or had no memory (see IsDeviceFailure): the segment with its scores on the host,
  /// for a CPU to search. None where they could not be had.
  std::optional<ScoreSegment> segment;
  double search_s = 0;  ///< its share of the seconds that steps took
};

/// Searches segments on a device, many at a time: the lattices of SegmentSearch, bit for bit. While one
/// launch runs, the lattices of the segments that ended with the one before are built. Belongs to one thread;
/// several on one device take turns.
class DeviceSegmentSearch {
 public:
  virtual ~DeviceSegmentSearch() = default;

  /// Segments that Begin takes now.
  virtual int free_channels() const = 0;
  /// No segment is under way.
  virtual bool idle() const = 0;

  /// Takes a segment with scores on this device or on the host. It holds its scores until it is among those
  /// that Step hands back. `ticket` is the caller's.
  virtual void Begin(uint64_t ticket, ScoreSegment segment) = 0;

  /// Queues a launch for the next frames of every segment under way, waits for the launch before it, and adds
  /// the segments that ended with that one to `done`. A segment that fails takes no other along, but for a
  /// failing device.
  virtual void Step(std::vector<SearchedSegment>* done) = 0;

  virtual DeviceSearchCounts counts() const = 0;
  /// Its number.
  virtual int device() const = 0;
};

/// The same scores in memory of the device, or on the host. Waits.
StatusOr<ScoreRows> CopyToDevice(const ScoreRows& rows, int device);
StatusOr<ScoreRows> CopyToHost(const ScoreRows& rows);

/// Copies those pieces of a segment to the host that lie on a device other than `but_not` (default: on any).
Status MoveToHost(ScoreSegment* segment, int but_not = kCpuDevice);

/// A device that fails or has no memory left; another one may do the work.
inline bool IsDeviceFailure(const Status& status) {
  return status.code() == StatusCode::kDeviceError || status.code() == StatusCode::kDeviceOutOfMemory;
}

/// `count` searches that share the graph in device memory and divide lanes and channels. `options` must be
/// valid; `boost` (null: nothing boosted) and the graph outlive the searches. Where the device has not enough
/// memory for the lanes, with fewer; kDeviceOutOfMemory where not even one fits, kUnsupported in builds
/// without CUDA.
StatusOr<std::vector<std::unique_ptr<DeviceSegmentSearch>>> MakeCudaSegmentSearches(
    const GraphImage& graph, const SearchOptions& options, const DeviceSearchShape& shape, int device,
    int count, const BoostAutomaton* boost = nullptr);

}  // namespace skald
