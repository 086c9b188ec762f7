#pragma once

#include <cstddef>
#include <cstdint>

namespace skald {

/// Decoding graph as one array of 16-byte cells, the same bytes for CPU and GPU. Each state is a block: a
/// header cell, then its emitting arcs sorted by (unit, next, word), then its epsilon arcs. A state is named
/// by the index of its header cell ("block"), so an arc's `next_block` is the address of the state that it
/// leads to, and the header shares a cache line with the first arcs. Every block starts at an even cell, so
/// 32-byte aligned, and blocks lie in the order of state numbers; the cell between two blocks, if there is
/// one, is zero.

/// Header cell of a state.
struct StateHeader {
  uint32_t arc_counts;  ///< emitting arcs in the low 20 bits, epsilon arcs in the high 12
  float final_cost;     ///< nats; +infinity where the state is not final
  uint32_t
      orig_state;  ///< dense number of the state, 0..state_count-1; the order used in tie breaks and outputs
  uint16_t
      epsilon_rank;  ///< 0 without incoming epsilon arcs, else 1 + the largest rank of an epsilon predecessor
  uint16_t flags;    ///< StateFlags

  uint32_t emitting_arcs() const { return arc_counts & 0xFFFFFu; }
  uint32_t epsilon_arcs() const { return arc_counts >> 20; }
};

enum StateFlags : uint16_t {
  kStateFinal = 1,
  kStateHasEpsilonArcs = 2,
};

/// Arc cell.
struct GraphArc {
  uint32_t next_block;
  float cost;      ///< nats; finite
  uint16_t unit;   ///< score column; 0 = epsilon (column 0 is the CTC blank, which the graph never names)
  uint16_t flags;  ///< ArcFlags
  uint32_t word;   ///< index into the word table; 0 = none
};

enum ArcFlags : uint16_t {
  kArcWordStart = 1,      ///< the unit is the first one of a word
  kArcWordSeparator = 2,  ///< the unit separates words and belongs to none
};

static_assert(sizeof(StateHeader) == 16 && sizeof(GraphArc) == 16);

/// Cell of the image, read as a header or as an arc.
struct alignas(16) GraphCell {
  std::byte bytes[16];
};

}  // namespace skald
