#pragma once

#include <cstdint>
#include <vector>

#include "decoder/kws/occurrences.h"
#include "decoder/kws/posterior_lattice.h"

namespace skald {

/// The terms that may stand at one place of a phrase.
struct PhraseSlot {
  bool any_word = false;
  std::vector<uint32_t> terms;  ///< sorted
};

/// Every place where the phrase may have been said, grouped (GroupOccurrences), with its exact expected
/// count: the sum over all chains of arcs that match the slots one after the other with at most
/// `max_gap_frames` between two words. Time grows with the number of matching arcs, never with that of
/// chains.
std::vector<Occurrence> PhraseOccurrences(const PosteriorLattice& lattice,
                                          const std::vector<PhraseSlot>& slots, double max_gap_frames);

}  // namespace skald
