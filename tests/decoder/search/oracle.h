#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "base/view.h"
#include "test_graph.h"

namespace skald::test {

/// A state of the full search space.
struct OracleNode {
  int32_t frame = 0;
  uint32_t state = 0;
  uint16_t unit = 0;
  bool entry = false;
  auto operator<=>(const OracleNode&) const = default;
};

/// A transition of the full search space, with the cost of the best complete path through it.
struct OracleArc {
  OracleNode source, destination;
  uint32_t word = 0;
  float graph_cost = 0, acoustic_cost = 0;
  double best_through = 0;
};

/// Dynamic programming in f64 over every (frame, state, unit), without pruning, hashing or epsilon ranks.
class Oracle {
 public:
  Oracle(const TestGraph& graph, ScoreView nll, float word_penalty = 0);

  /// Cost of the best complete path; of the best path to any state, finals aside, where `partial()`.
  double best_cost() const { return best_cost_; }
  bool partial() const { return partial_; }
  const std::vector<uint32_t>& best_words() const { return best_words_; }
  /// Every transition on some complete path.
  const std::vector<OracleArc>& arcs() const { return arcs_; }

 private:
  std::vector<OracleArc> ArcsFrom(const OracleNode& node) const;
  const TestGraph& graph_;
  ScoreView nll_;
  float word_penalty_;
  double best_cost_ = 0;
  bool partial_ = false;
  std::vector<uint32_t> best_words_;
  std::vector<OracleArc> arcs_;
};

/// What enumerating every alignment and every graph path finds, by the definition of CTC alone: a unit per
/// frame, repeats merged, blanks dropped, the rest spelled by a graph path. Exponential: at most about 6
/// frames.
struct Enumeration {
  std::map<std::vector<uint32_t>, double> best_cost_of_words;
  double log_sum = 0;  ///< -log of the sum of exp(-cost) over all pairs of an alignment and a graph path
  int64_t pairs = 0;
};
Enumeration EnumeratePaths(const TestGraph& graph, ScoreView nll);

}  // namespace skald::test
