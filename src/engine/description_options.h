#pragma once

#include <cstddef>

#include "base/confidence_map.h"
#include "base/results.h"
#include "base/status.h"

namespace skald {

/// Which words of a lattice are the text.
enum class WordRule {
  kViterbi,  ///< those of the best path: fewest wrong sentences
  kMbr,      ///< those of least expected word errors
};

/// What is read from the lattice of a segment.
struct DescriptionOptions {
  /// Affects the text.
  WordRule word_rule = WordRule::kMbr;
  /// kMbr: paths weigh exp(-mbr_scale * cost). Smaller: more words differ from the best path. Affects the
  /// text.
  double mbr_scale = 0.5;
  /// Weight of the graph's costs beside the acoustic ones in words, confidences and n-best lists; the search
  /// and the lattices that are written have them as they are. Smaller: more words. Other than 1: confidences
  /// are those of the confusion network. Affects the text.
  double graph_scale = 1.0;
  /// kMbr takes nodes of the word lattice times twice the words of its best path as memory, 16 bytes each,
  /// and time in proportion. A segment beyond this (some minutes without a pause) gets the words of the best
  /// path.
  size_t max_mbr_cells = size_t{1} << 24;
  /// Word strings listed for each segment. Larger: more time.
  int nbest = 0;
  /// Other words listed for each word, from the confusion network at mbr_scale. Segments beyond max_mbr_cells
  /// have none.
  int alternatives = 0;
  /// Confidences weigh paths by exp(-confidence_scale * cost). Smaller: flatter, so that words of great
  /// confidence are told apart. Maps of bundles belong to the default.
  double confidence_scale = 0.5;
  /// Makes confidences of what the lattice says: see ConfidenceMap.
  ConfidenceMap confidence_map;
  /// Whether and how each segment's word lattice is kept for output.
  LatticeType lattice_type = LatticeType::kNone;

  /// kInvalidArgument names the option that is out of range.
  Status Validate() const;
};

}  // namespace skald
