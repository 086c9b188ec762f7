#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define SKALD_HOST_DEVICE __host__ __device__
#else
#define SKALD_HOST_DEVICE
#endif

namespace skald {

/// An automaton over words that pays and takes back bonuses, as flat arrays that CPU and GPU read alike;
/// decoder/search/boost_automaton.h makes it. State 0 is that of having matched nothing.
struct BoostState {
  uint32_t first_arc;
  uint32_t arc_count;
  float held;  ///< nats paid for the phrases begun, to be given back where none of them goes on; at least 0
};

/// Of a state's arcs, sorted by word.
struct BoostArc {
  uint32_t word;
  uint32_t next_state;
  float cost;  ///< nats; negative: a bonus
};

/// View of an automaton; without states nothing is boosted.
struct BoostTable {
  const BoostState* states = nullptr;
  const BoostArc* arcs = nullptr;
};

struct BoostStep {
  uint32_t state = 0;
  float cost = 0;  ///< nats
};

/// The arc of `state` for `word`, or null.
SKALD_HOST_DEVICE inline const BoostArc* FindBoostArc(const BoostTable& table, uint32_t state,
                                                      uint32_t word) {
  const BoostArc* low = table.arcs + table.states[state].first_arc;
  uint32_t count = table.states[state].arc_count;
  while (count > 0) {
    const uint32_t half = count / 2;
    if (low[half].word == word) return low + half;
    if (low[half].word < word) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return nullptr;
}

/// What a word does in `state`. A word that no phrase begun goes on with gives back what is held, and may
/// begin a phrase. The same bits on every processor: one addition at most.
SKALD_HOST_DEVICE inline BoostStep StepBoost(const BoostTable& table, uint32_t state, uint32_t word) {
  if (const BoostArc* arc = FindBoostArc(table, state, word)) return {arc->next_state, arc->cost};
  const float held = table.states[state].held;
  const BoostArc* first = state != 0 ? FindBoostArc(table, 0, word) : nullptr;
  if (first == nullptr) return {0, held};
  return {first->next_state, held + first->cost};
}

}  // namespace skald
