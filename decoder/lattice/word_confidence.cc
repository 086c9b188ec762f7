#include "decoder/lattice/word_confidence.h"

#include <algorithm>
#include <cstdlib>
#include <unordered_map>

namespace skald {

std::vector<double> WordConfidences(const RawLattice& lattice, const LatticePosteriors& posteriors,
                                    std::span<const PathWord> words, int margin_frames) {
  std::unordered_map<uint32_t, std::vector<size_t>> occurrences;
  for (size_t k = 0; k < words.size(); ++k) occurrences[words[k].word].push_back(k);

  std::vector<double> confidence(words.size(), 0.0);
  for (size_t index = 0; index < lattice.arcs.size(); ++index) {
    const RawLatticeArc& arc = lattice.arcs[index];
    if (arc.word == 0) continue;
    const auto found = occurrences.find(arc.word);
    if (found == occurrences.end()) continue;
    const int32_t frame = lattice.states[arc.source].frame;
    const PathWord* nearest = nullptr;
    for (const size_t k : found->second) {
      const PathWord& word = words[k];
      if (frame < std::min(word.start_frame, word.label_frame) - margin_frames ||
          frame > std::max(word.end_frame, word.label_frame) + margin_frames) {
        continue;
      }
      if (nearest == nullptr || std::abs(frame - word.label_frame) < std::abs(frame - nearest->label_frame)) {
        nearest = &word;
      }
    }
    if (nearest != nullptr) confidence[nearest - words.data()] += posteriors.arc_posterior[index];
  }
  for (double& value : confidence) value = std::min(value, 1.0);
  return confidence;
}

}  // namespace skald
