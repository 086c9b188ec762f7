#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "decoder/lattice/raw_lattice.h"

namespace skald {

/// Costs as integers in units of 2^-36 nat, so that sums do not depend on their order and equal paths have
/// equal costs. `total` is graph plus acoustic cost. Both are reduced: of an arc from a to b, its cost plus
/// the cost from b to the end minus the cost from a to the end, along the best path. So `total` is never
/// negative, and the sum along a path is how much worse than the best one it is.
struct ReducedCost {
  static constexpr double kPerNat = 68719476736.0;
  static constexpr double kMaxNats = 1e6;  ///< beams beyond act like this
  int64_t total = 0;
  int64_t graph = 0;
  ReducedCost operator+(const ReducedCost& other) const { return {total + other.total, graph + other.graph}; }
  ReducedCost operator-(const ReducedCost& other) const { return {total - other.total, graph - other.graph}; }
  auto operator<=>(const ReducedCost&) const = default;
};

/// The best alignment of one word between two word boundaries.
struct WordSegment {
  uint32_t source = 0;
  uint32_t destination = 0;
  uint32_t word = 0;
  int32_t start_frame = 0;  ///< of the word's first unit
  int32_t end_frame = 0;    ///< of its last unit that is no separator, repeats included
  ReducedCost cost;
  uint32_t first_raw_arc = 0;  ///< raw_arcs[first_raw_arc] to raw_arcs[first_raw_arc + raw_arc_count - 1]
  uint32_t raw_arc_count = 0;
};

/// A raw lattice cut at word boundaries: an acceptor over words without epsilon arcs, in which each segment
/// stands for the best of all alignments of its word between its ends. A boundary is the raw state that the
/// first unit of a word leaves, or the end of the lattice; a word's label counts at the boundary behind the
/// word, wherever its graph has put it, so that the k-th label belongs to the k-th word start as in BestPath.
/// What comes before the first word start belongs to the first word. Two labels without a start between them
/// are cut at the second.
struct WordSegments {
  struct Node {
    uint32_t raw_state = 0;  ///< kEnd: behind the lattice
    bool is_final = false;   ///< a path may end here without another word
    ReducedCost final_cost;
    uint32_t first_raw_arc = 0;  ///< the arcs to that end
    uint32_t raw_arc_count = 0;
    double cost_to_end = 0, graph_cost_to_end = 0;  ///< nats, of the best path from here
  };
  static constexpr uint32_t kEnd = 0xFFFFFFFFu;

  std::vector<Node> nodes;              ///< topologically sorted; node 0 is the start; none: no path
  std::vector<WordSegment> segments;    ///< sorted by source
  std::vector<uint32_t> first_segment;  ///< [nodes + 1]
  std::vector<uint32_t> raw_arcs;
};

/// Every segment on a path at most `beam` nats worse than the best. Deterministic: of two alignments of equal
/// cost the one with less graph cost stays, then the one found first in the order of raw arcs. Time grows
/// with the number of boundaries times the raw arcs of one word.
WordSegments CutAtWords(const RawLattice& lattice, float beam);

}  // namespace skald
