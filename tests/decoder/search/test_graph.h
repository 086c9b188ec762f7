#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "decoder/graph/graph_image.h"

namespace skald::test {

/// A small graph as plain lists, for building images and for references that must not depend on images.
struct TestGraph {
  struct State {
    float final_cost = INFINITY;
    std::vector<GraphImageBuilder::Arc> arcs;
  };
  std::vector<State> states;
  uint32_t start = 0;
  int units = 2;  ///< blank included
  int words = 1;  ///< entry 0 included

  GraphImage Image() const;
};

struct RandomGraphShape {
  int states = 8;
  int units = 4;
  int words = 4;
  double emitting_arcs = 2.5;  ///< mean per state
  double epsilon_arcs = 0.4;   ///< mean per state; they lead to states of higher number
  double final_share = 0.4;
  float least_cost = 0;
};

/// Random arcs with costs from a continuous distribution, so that ties have no chance. State 0 starts.
TestGraph RandomGraph(const RandomGraphShape& shape, std::mt19937_64& random);

/// The same graph with state s renamed to new_number[s] and the arcs of every state in random order.
TestGraph Permuted(const TestGraph& graph, const std::vector<uint32_t>& new_number, std::mt19937_64& random);

/// Random normalised scores [frames, units]: nats. With probability `blank_share` a frame is dominated by
/// blank.
std::vector<float> RandomScores(int frames, int units, double blank_share, double sharpness,
                                std::mt19937_64& random);

}  // namespace skald::test
