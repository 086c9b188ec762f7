#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "decoder/search/link_history.h"

namespace skald {

/// Takes what the search on the device flushes, segments in the layout of kernels/search/lane_search.h, to
/// the history of a channel.
class LaneOutput {
 public:
  /// Appends the records of a segment; where it ends with the frontier, replaces the costs of the frontier's
  /// tokens (+infinity for entry states). Returns the number of records.
  uint32_t Append(const std::byte* segment, LinkHistory* history, std::vector<float>* frontier_costs);

 private:
  std::vector<TokenLink> emitting_, others_;  // scratch
};

}  // namespace skald
