#pragma once

#include <cstddef>
#include <cstdint>

namespace skald {

/// Terms. A lane is a compute slot: one thread block and its scratch. A channel is the state of one stream
/// between launches. A record stands for one frame that was searched and the run of collapsed frames after
/// it. A window is a run of records that is pruned and flushed together.

/// A kept transition between two tokens, as the host gets it; TokenLink of decoder/search/link_history.h.
struct LaneLink {
  uint32_t source;
  uint32_t destination;
  uint32_t cell;
  float slack;
  float acoustic_cost;
};

/// How much a lane can hold. What does not fit ends the launch of its channel early, with LaneOutcome::needed
/// telling how much would.
struct LaneCapacities {
  uint32_t tokens = 0;       ///< of one frame, entry states included; also of a channel
  uint32_t candidates = 0;   ///< emitting transitions of one frame before the cap
  uint32_t other_links = 0;  ///< epsilon and entry links of one frame
  uint32_t window_tokens = 0;
  uint32_t window_links = 0;
  uint32_t window_records = 0;
};

/// One record of the window in the making.
struct LaneRecord {
  uint32_t first_token;
  uint32_t tokens;
  uint32_t first_link;
  uint32_t links;  ///< emitting
  uint32_t first_other_link;
  uint32_t other_links;
  int32_t row;  ///< of the chunk's scores; -1: of an earlier chunk, or the record before the first frame
  uint32_t collapsed;
  // Of an earlier chunk: what was read of its scores.
  uint32_t carried;            ///< not 0: acoustic costs of the tokens are in window_acoustic_costs
  uint32_t carried_collapsed;  ///< of the collapsed frames
  uint32_t first_carried_collapsed;
};

/// Places in a lane's scratch memory, bytes from its start.
struct LaneLayout {
  size_t spill_keys, spill_costs, used_slots, costs, candidates, candidate_units, entries, other_links,
      window_keys, window_extra, window_acoustic_costs, carried_collapsed_costs, window_links, records, total;
  uint32_t spill_slots;
};

/// Most collapsed frames of a window that a channel carries from launch to launch.
inline constexpr uint32_t kMostCarriedCollapsed = 4096;

/// Threads of a lane.
inline constexpr int kLaneThreads = 256;

inline constexpr LaneLayout MakeLaneLayout(const LaneCapacities& capacities) {
  LaneLayout layout{};
  layout.spill_slots = 512;
  while (layout.spill_slots < 2 * capacities.tokens) layout.spill_slots *= 2;
  size_t end = 0;
  const auto place = [&end](size_t count, size_t size) {
    const size_t start = end;
    end = (end + count * size + 255) / 256 * 256;
    return start;
  };
  layout.spill_keys = place(layout.spill_slots, 8);
  layout.spill_costs = place(layout.spill_slots, 4);
  layout.used_slots = place(capacities.tokens, 4);
  layout.costs = place(2 * size_t{capacities.tokens}, 4);
  layout.candidates = place(capacities.candidates, 16);
  layout.candidate_units = place(capacities.candidates, 2);
  layout.entries = place(capacities.tokens, 16);
  layout.other_links = place(capacities.other_links, 16);
  layout.window_keys = place(capacities.window_tokens, 8);
  layout.window_extra = place(capacities.window_tokens, 4);
  layout.window_acoustic_costs = place(capacities.window_tokens, 4);
  layout.carried_collapsed_costs = place(kMostCarriedCollapsed, 4);
  layout.window_links = place(capacities.window_links, 16);
  layout.records = place(capacities.window_records, sizeof(LaneRecord));
  layout.total = end;
  return layout;
}

}  // namespace skald
