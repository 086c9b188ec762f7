#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/confidence_map.h"
#include "base/results.h"
#include "base/status.h"
#include "decoder/combine/lattice_union.h"
#include "decoder/graph/graph_image.h"
#include "decoder/lattice/raw_lattice.h"
#include "decoder/search/boost_automaton.h"
#include "decoder/search/search_options.h"
#include "engine/segment_describer.h"
#include "engine/word_numbers.h"

namespace skald {

/// One of several heads of a model that are searched side by side and whose lattices are combined. What it
/// refers to outlives its users.
struct CombinedHead {
  const GraphImage& graph;
  const SearchOptions& search;
  const BoostAutomaton* boost = nullptr;      ///< null: nothing boosted
  const LatticeRescorer* rescorer = nullptr;  ///< null: none
  int64_t first_column = 0;                   ///< of its scores
  double weight = 1;                          ///< its share; 0 or more
  ConfidenceMap confidence_map = {};          ///< where its words stand alone
};

/// Turns the raw lattices that the heads made of a segment into the words of least expected errors over all
/// of them: CombineByMbr of their word lattices. Confidences are posteriors in the union, calibrated by the
/// map of the options. N-best lists are of the union, costs the -ln of their share; lattices to be written
/// there are none. A segment beyond max_mbr_cells gets the words of the first head, calibrated by its own
/// map. Thread safe.
class HeadCombiner {
 public:
  /// References in `heads` are kept; the first head is the best one. Of `options`, word_rule and
  /// confidence_scale have no effect.
  HeadCombiner(std::span<const CombinedHead> heads, const DescriptionOptions& options);

  /// `lattices` has one of each head, in their order; the rest as SegmentDescriber::Describe has it.
  Segment Describe(std::span<const RawLattice> lattices, int64_t first_frame, const FrameClock& clock) const;

 private:
  std::vector<Alternative> Strings(std::span<const WeightedLattice> systems) const;

  const std::vector<CombinedHead> heads_;
  const DescriptionOptions options_;
  const SegmentDescriber first_head_;
  WordNumbers numbers_;
  std::vector<std::vector<uint32_t>> words_;  // [heads][words of its graph] their common numbers
};

}  // namespace skald
