#pragma once

#include <cstddef>
#include <cstdint>

#include "base/boost_table.h"
#include "base/cuda/device_context.h"
#include "base/graph_cell.h"
#include "base/status.h"
#include "kernels/search/lane_layout.h"

namespace skald {

/// Token keys and cells of the CTC topology, as decoder/search/token_table.h and
/// decoder/lattice/raw_lattice.h have them.
inline constexpr uint64_t kLaneEntryBit = uint64_t{1} << 16;
inline constexpr int kLaneBoostShift = 49;
inline constexpr uint32_t kLaneBlankCell = 0xFFFFFFFFu;
inline constexpr uint32_t kLaneRepeatCell = 0xFFFFFFFEu;
inline constexpr uint32_t kLaneEntryCell = 0xFFFFFFFDu;

/// State of a stream between launches; its tokens lie beside it (LaneWork).
struct ChannelState {
  double offset;
  int64_t frames;  ///< score rows consumed
  int64_t collapsed_frames;
  int64_t tokens;  ///< summed over frames that were searched, entry states not counted
  int64_t peak_tokens;
  int64_t arcs_tried;
  int64_t arcs_kept;
  int64_t links_made;
  int64_t max_active_frames;
  int64_t capped_frames;
  float least_cost;
  float greatest_cost;
  float smallest_width;
  uint32_t token_count;
  uint32_t best_token;
  uint32_t active;
  uint32_t with_unit;
  // The window that the last launch has left in LaneWork::carried.
  uint32_t carried_records;
  uint32_t carried_tokens;
  uint32_t carried_links;
  uint32_t carried_collapsed;
};

/// One channel's part of a launch.
struct LaneWork {
  const float* scores;  ///< [rows, units] on the device, nats
  int64_t stride;       ///< floats from one row to the next
  int32_t rows;
  uint32_t channel;
  uint32_t begin;        ///< not 0: a new stream starts before the first row
  uint32_t last;         ///< not 0: all is flushed at the end, else the window is carried to the next launch
  float least_arc_cost;  ///< of any arc, word penalty and boosts included; 0 where none is below
  BoostTable boost;      ///< [device] phrases that the stream prefers
  // The tokens of the channel, costs +infinity for entry states: where they are, and where they shall be once
  // rows are consumed or the stream has begun, with room for LaneCapacities::tokens. May be the same.
  const uint64_t* from_keys;
  const float* from_costs;
  uint64_t* keys;
  float* costs;
  std::byte* carried;  ///< [LaneSearchPlan::carried_bytes], 256-byte aligned
};

enum class LaneResult : uint32_t {
  kDone = 0,
  kBadScore,    ///< frame state.frames, unit `bad_unit`
  kOutputFull,  ///< output.bytes in `needed`; the channel stands where the last segment that counts ends
  kLaneFull,    ///< `needed` says what a lane must hold for the next frame
};

/// What became of a LaneWork. Only its first `segments` segments count; the rest will come again.
struct LaneOutcome {
  LaneResult result;
  int32_t rows_consumed;
  uint32_t segments;
  uint32_t begun;  ///< whether the record before the first frame is among them, where begin was set
  uint32_t bad_unit;
  LaneCapacities needed;  ///< 0: no more than now
  uint64_t needed_output_bytes;
  ChannelState state;
};

/// Output: segments one after the other, each some records of one channel, pruned. After the header:
///   float[leading_collapsed]               blank costs of frames collapsed after the channel's last record
///   SegmentRecord[records]
///   for each record: uint64_t[tokens] keys, LaneLink[links + other_links], float[collapsed] blank costs
///   float[frontier_costs]                  of the last record's tokens, where it is the frontier
/// every array padded to 8 bytes. The frontier has all its tokens, in the order of the channel's.
struct SegmentHeader {
  uint64_t bytes;   ///< with header, a multiple of 8
  uint32_t work;    ///< index into the launch's work
  uint32_t number;  ///< of the segment among those of its work
  uint32_t records;
  uint32_t leading_collapsed;
  uint32_t frontier_costs;
  uint32_t reserved;
};
struct SegmentRecord {
  uint32_t tokens;
  uint32_t links;
  uint32_t other_links;  ///< by ascending epsilon rank of their sources
  uint32_t collapsed;
};

/// Counters in device memory, all zero before the first launch; a launch leaves them zero.
struct LaneQueue {
  unsigned long long output_bytes;
  unsigned int next;
  unsigned int finished;
  unsigned int output_full;  ///< not 0: a segment did not fit, so work that has not begun is left alone
  unsigned int reserved;
};

/// What a launch works on. Pointers are to device memory but for output and outcomes, which are pinned host
/// memory.
struct LaneSearchPlan {
  const GraphCell* cells;
  uint32_t start_block;
  uint32_t units;

  // SearchOptions, and what follows from them.
  float beam;
  float lattice_beam;
  float early_link_beam;  ///< lattice_beam, or +infinity
  float word_penalty;
  uint32_t max_active;
  uint32_t max_arcs;
  uint32_t collapse_blanks;
  uint64_t hash_multiplier;  ///< odd

  // Shared memory of a lane.
  uint32_t shared_slots;   ///< of the token hash, a power of two, at least 32
  uint32_t shared_scores;  ///< not 0: a frame's scores are kept in shared memory

  LaneCapacities capacities;
  LaneLayout layout;
  std::byte*
      lane_memory;  ///< [lanes][layout.total]; spill_keys filled with 0xFF, spill_costs with 0x7F bytes
  ChannelState* channels;
  uint64_t
      carried_bytes;  ///< for the window of a channel between launches, a multiple of 256; 0: none is carried

  LaneQueue* queue;
  const LaneWork* work;
  uint32_t work_count;
  std::byte* output;
  uint64_t output_capacity;
  uint64_t* output_bytes;  ///< [1] pinned: bytes of the segments written
  LaneOutcome* outcomes;   ///< [work_count]
};

/// Bytes of shared memory of a lane.
size_t LaneSharedBytes(uint32_t shared_slots, uint32_t score_count);

/// Raises the shared memory limit of the kernel on the current device. kUnsupported where the device has not
/// that much.
Status PrepareLaneSearch(size_t shared_bytes);

/// Lanes that run at the same time on the current device.
StatusOr<int> CountResidentLanes(size_t shared_bytes);

/// Searches the rows of all work items on `lanes` thread blocks, one launch. A block takes one item after the
/// other, so items may outnumber lanes; a channel may occur once. The rule of decoder/search/beam_search.h;
/// the numbers of tokens and the order of links vary from run to run, what they say does not.
Status LaunchLaneSearch(DeviceContext context, const LaneSearchPlan& plan, int lanes);

}  // namespace skald
