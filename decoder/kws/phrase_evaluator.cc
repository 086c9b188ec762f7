#include "decoder/kws/phrase_evaluator.h"

#include <algorithm>
#include <tuple>

namespace skald {
namespace {

/// All chains that have come from one start to one place.
struct Chains {
  uint32_t node = 0;
  int32_t start_frame = 0;
  int32_t end_frame = 0;  // of the last word
  double probability = 0;

  auto place() const { return std::tie(node, start_frame, end_frame); }
};

void Join(std::vector<Chains>* chains) {
  std::stable_sort(chains->begin(), chains->end(),
                   [](const Chains& a, const Chains& b) { return a.place() < b.place(); });
  size_t count = 0;
  for (const Chains& next : *chains) {
    if (count > 0 && (*chains)[count - 1].place() == next.place()) {
      (*chains)[count - 1].probability += next.probability;
    } else {
      (*chains)[count++] = next;
    }
  }
  chains->resize(count);
}

bool Matches(const PhraseSlot& slot, uint32_t term) {
  return slot.any_word || std::binary_search(slot.terms.begin(), slot.terms.end(), term);
}

}  // namespace

std::vector<Occurrence> PhraseOccurrences(const PosteriorLattice& lattice,
                                          const std::vector<PhraseSlot>& slots, double max_gap_frames) {
  std::vector<Chains> chains, longer;
  for (const auto& arc : lattice.arcs) {
    if (!Matches(slots.front(), arc.word)) continue;
    chains.push_back({arc.destination, arc.start_frame, arc.end_frame, lattice.posterior(arc)});
  }
  for (size_t s = 1; s < slots.size() && !chains.empty(); ++s) {
    Join(&chains);
    longer.clear();
    for (const Chains& chain : chains) {
      auto arc = std::lower_bound(lattice.arcs.begin(), lattice.arcs.end(), chain.node,
                                  [](const auto& a, uint32_t node) { return a.source < node; });
      for (; arc != lattice.arcs.end() && arc->source == chain.node; ++arc) {
        if (!Matches(slots[s], arc->word) || arc->start_frame - chain.end_frame > max_gap_frames) continue;
        longer.push_back(
            {arc->destination, chain.start_frame, arc->end_frame, chain.probability * arc->conditional});
      }
    }
    chains.swap(longer);
  }
  std::vector<Occurrence> occurrences;
  for (const Chains& chain : chains) {
    occurrences.push_back({chain.start_frame, chain.end_frame, chain.probability});
  }
  GroupOccurrences(&occurrences);
  return occurrences;
}

}  // namespace skald
