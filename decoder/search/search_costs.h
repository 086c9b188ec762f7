#pragma once

#include <algorithm>
#include <limits>

#include "base/boost_table.h"
#include "decoder/graph/graph_image.h"
#include "decoder/search/token_table.h"

namespace skald {

/// No arc of the graph costs less, with or without a word [nats].
inline float LeastArcCost(const GraphInfo& info, float word_penalty, float least_boost) {
  return std::min(info.min_arc_cost, (info.min_arc_cost + word_penalty) + least_boost);
}

/// Cost of ending in a token's state, boosts that are held given back [nats]; +infinity where no path may
/// end.
inline float FinalCost(const GraphImage& graph, const BoostTable& boost, TokenKey key) {
  if (IsEntry(key)) return std::numeric_limits<float>::infinity();
  const float cost = graph.header(BlockOf(key)).final_cost;
  return boost.states == nullptr ? cost : cost + boost.states[BoostStateOf(key)].held;
}

}  // namespace skald
