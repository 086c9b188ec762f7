#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/status.h"
#include "decoder/graph/arpa.h"
#include "decoder/graph/graph_builder.h"
#include "decoder/graph/graph_image.h"
#include "decoder/graph/lexicon.h"

namespace skald {

/// Facts found by CheckGraph.
struct GraphReport {
  uint64_t final_states = 0;
  uint64_t word_arcs = 0;  ///< arcs with a word
  uint64_t word_start_arcs = 0;
  uint64_t max_emitting_arcs = 0;  ///< of one state
  uint64_t max_epsilon_arcs = 0;
  uint32_t longest_epsilon_chain = 0;
  float min_cost = 0, max_cost = 0;  ///< of arcs
  /// States by number of emitting arcs: entry i counts those with 2^(i-1) up to 2^i - 1; entry 0 those with
  /// none.
  std::array<uint64_t, 21> degree_histogram{};

  /// Some lines of text for people.
  std::string ToString() const;
};

/// Looks at every cell of an image: blocks tile the cells, every next state is a block, units, words and
/// flags are in range and consistent, costs finite, arcs in order, counts as the header says, epsilon ranks
/// right (so no epsilon cycle), every state reachable from the start and every state able to end. kCorrupt
/// with the state otherwise. Linear time; memory about 6 bytes a cell.
StatusOr<GraphReport> CheckGraph(const GraphImage& image);

/// What CheckGraphPaths compared.
struct GraphPathReport {
  uint64_t sentences = 0;         ///< sampled from the language model
  uint64_t image_paths = 0;       ///< sampled from the image
  double largest_difference = 0;  ///< nats, between image and sources
};

/// Compares random paths with the sources: sentences drawn from the language model, and random walks through
/// the image. For each the unit string must spell the words, and the least cost over all paths of the image
/// with that unit string and these words must be what a slow independent reference computes: spelling by the
/// lexicon, probability by the listed n-grams, the cheapest choice of backing off. kCorrupt, naming the
/// sentence, where they differ by more than `tolerance` nats plus a millionth of the cost.
StatusOr<GraphPathReport> CheckGraphPaths(const GraphImage& image, const ArpaModel& model,
                                          const Lexicon& lexicon, const GraphOptions& options, uint64_t seed,
                                          int samples, double tolerance = 1e-3);

}  // namespace skald
