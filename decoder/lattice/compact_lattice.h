#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "decoder/lattice/raw_lattice.h"
#include "decoder/lattice/word_lattice.h"

namespace skald {

/// Kaldi's CompactLattice: an acceptor over word numbers whose weights are a graph cost, an acoustic cost and
/// the frames covered, one number for each (Kaldi: transition ids; here: score column + 1). State 0 is the
/// start, states are topologically sorted, arcs are sorted by source.
struct CompactLattice {
  struct Weight {
    float graph_cost = 0;  ///< nats
    float acoustic_cost = 0;
    std::vector<int32_t> alignment;
  };
  struct State {
    bool is_final = false;
    Weight final_weight;
  };
  struct Arc {
    uint32_t source = 0;
    uint32_t destination = 0;
    int32_t word = 0;
    Weight weight;
  };
  std::string key;  ///< of the archive: a word without white space
  std::vector<State> states;
  std::vector<Arc> arcs;
};

/// The word lattice in Kaldi's form. An arc's alignment is that of the best path through it, cut or filled
/// with blanks where that path passes the ends of the arc at other times than the best ones, so that all
/// paths have as many frames as the recording.
CompactLattice ToCompactLattice(const RawLattice& raw, const WordLattice& words, std::string key);

/// A word lattice to search for n-best lists and confusion networks; it has no links to raw arcs, words last
/// from node to node. kUnsupported where the lattice is not deterministic or has arcs without a word,
/// kCorrupt where paths to one state have different numbers of frames.
StatusOr<WordLattice> ToWordLattice(const CompactLattice& lattice);

/// The same lattice with its states sorted topologically, the start first, arcs by source; states that the
/// start does not reach are left out. kCorrupt, naming the lattice, where there are cycles or no states.
StatusOr<CompactLattice> SortTopologically(CompactLattice lattice);

}  // namespace skald
