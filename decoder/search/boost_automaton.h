#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/boost_table.h"
#include "base/status.h"

namespace skald {

/// Words of the graph's table, one after the other, and what hearing them is worth.
struct BoostPhrase {
  std::vector<uint32_t> words;
  float weight = 0;  ///< nats taken off the cost of a path for every occurrence; negative: added
};

/// Deterministic automaton that boosts phrases exactly: along any path of words the costs sum to minus the
/// weights of all occurrences of all phrases, overlapping ones included, once `held` of the last state is
/// added at the end. So that a phrase is not pruned before it is complete, each of its words is paid its
/// share of a positive weight at once, kMostHeld altogether before the last one, and what was paid for a
/// phrase that does not come is taken back by the word that ends it. The states are those of Aho and
/// Corasick, "Efficient string matching" (1975). Immutable once made; safe to read from any thread.
class BoostAutomaton {
 public:
  /// A state is part of a search state, in 14 bits.
  static constexpr uint32_t kMaxStates = 1u << 14;

  /// Nats paid in advance at most. Larger brings unlikely phrases further; but what has to be given back also
  /// counts against the beam, and an advance near the beam would drive out the paths that give it back.
  static constexpr double kMostHeld = 5.0;

  /// Nothing boosted.
  BoostAutomaton() = default;

  /// The same phrase given twice counts once, with the sum of its weights. Fails with kInvalidArgument,
  /// naming the phrase by its number, where it has no words, names word 0, or its weight is not within
  /// +-1000; with kResourceExhausted where there are more than kMaxStates different beginnings of phrases.
  static StatusOr<BoostAutomaton> Build(std::span<const BoostPhrase> phrases);

  bool empty() const { return states_.empty(); }
  /// Valid as long as the automaton; without states where it is empty.
  BoostTable table() const { return {states_.data(), arcs_.data()}; }
  std::span<const BoostState> states() const { return states_; }
  std::span<const BoostArc> arcs() const { return arcs_; }
  /// Smallest cost that any step has; at most 0.
  float least_cost() const { return least_cost_; }

 private:
  std::vector<BoostState> states_;
  std::vector<BoostArc> arcs_;
  float least_cost_ = 0;
};

}  // namespace skald
