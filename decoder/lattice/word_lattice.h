#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "decoder/lattice/best_path.h"
#include "decoder/lattice/raw_lattice.h"

namespace skald {

struct WordLatticeNode {
  /// Frame of the word boundary on the best path that leads here; RawLattice::frames at the end.
  int32_t frame = 0;
  double final_graph_cost = std::numeric_limits<double>::infinity();  ///< nats; +infinity: no path ends here
  double final_acoustic_cost = 0;

  bool is_final() const { return final_graph_cost != std::numeric_limits<double>::infinity(); }
  double final_cost() const { return final_graph_cost + final_acoustic_cost; }
};

/// A word. Its frames and those of its ends are from the best path through it; other paths through it may
/// have aligned it differently (AlignWordPath tells how). Costs include those of what surrounds the word:
/// blanks, separators, back-off.
struct WordLatticeArc {
  uint32_t source = 0;
  uint32_t destination = 0;
  uint32_t word = 0;
  int32_t start_frame = 0;  ///< [start_frame, end_frame): as PathWord
  int32_t end_frame = 0;
  double graph_cost = 0;  ///< nats, word penalty included
  double acoustic_cost = 0;

  double cost() const { return graph_cost + acoustic_cost; }
};

/// Deterministic acceptor over words: no two paths have the same words, and each path costs what the best
/// alignment of its words in the raw lattice costs. Nodes are topologically sorted, node 0 is the start; arcs
/// are sorted by (source, word). A value; const use from any thread.
struct WordLattice {
  std::vector<WordLatticeNode> nodes;
  std::vector<WordLatticeArc> arcs;
  std::vector<uint32_t> first_arc;  ///< [nodes + 1]
  int64_t frames = 0;
  bool partial = false;  ///< as RawLattice::partial
  /// Word strings whose best path is at most this much worse than the best of all are here with their exact
  /// cost, in nats. Less than asked for where max_elements bound.
  float effective_beam = 0;

  std::span<const WordLatticeArc> arcs_of(uint32_t node) const {
    return std::span(arcs).subspan(first_arc[node], first_arc[node + 1] - first_arc[node]);
  }

  /// How words map back to raw arcs. A node holds one element for each raw state in which the word strings
  /// that lead to it may be; each arc says for every element of its destination, from which element of its
  /// source its best path comes and by which raw arcs.
  struct Link {
    uint32_t source_element = 0;  ///< counted from the first of the node
    uint32_t first_raw_arc = 0;   ///< into raw_arcs
    uint32_t raw_arc_count = 0;
  };
  std::vector<uint32_t> first_link;  ///< [arcs]: of its destination's element 0
  std::vector<Link> links;
  std::vector<Link> final_links;        ///< [nodes]: the element in which a path ends best, and how
  std::vector<uint32_t> element_count;  ///< [nodes]
  std::vector<uint32_t> best_element;   ///< [nodes]: where the best path to the node is
  std::vector<uint32_t> raw_arcs;       ///< into RawLattice::arcs
};

struct WordLatticeOptions {
  /// Nats; at most the lattice beam of the raw lattice is used. Larger: more word strings, more time.
  float beam = std::numeric_limits<float>::infinity();
  /// Where more elements or arcs than this come up, the beam is made smaller until they fit. Smaller: bounds
  /// time and memory on lattices of very many word strings.
  int64_t max_elements = 4'000'000;
};

/// Determinises a raw lattice over its words: cuts it at word boundaries (word_segments.h), then subset
/// construction in topological order with integer costs, pruned by the exact cost of the best completion;
/// after Povey et al., "Generating exact lattices in the WFST framework" (2012), but with back pointers in
/// place of strings. Exact, deterministic. A lattice without a complete path gives one without nodes. The raw
/// lattice's word boundaries need not be sound: any lattice gives the right strings and costs, only the times
/// then say little.
WordLattice DeterminizeWords(const RawLattice& lattice, const WordLatticeOptions& options = {});

/// The best alignment of a complete path: `arcs` are indices of consecutive arcs of `words` from node 0 to a
/// final node, `lattice` the raw lattice that it was made from. Its cost is that of the word path.
BestPathResult AlignWordPath(const RawLattice& lattice, const WordLattice& words,
                             std::span<const uint32_t> arcs);

}  // namespace skald
