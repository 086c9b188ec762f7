#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/confidence_map.h"
#include "base/results.h"
#include "base/status.h"
#include "decoder/graph/graph_image.h"
#include "decoder/lattice/best_path.h"
#include "decoder/lattice/confusion_network.h"
#include "decoder/lattice/raw_lattice.h"
#include "decoder/lattice/word_lattice.h"
#include "engine/description_options.h"
#include "engine/lattice_rescorer.h"

namespace skald {

/// Clock of a stream: frame f begins at origin_s + f * frame_shift_s of the media's time.
struct FrameClock {
  double origin_s = 0;
  double frame_shift_s = 0;
  double Seconds(int64_t frame) const { return origin_s + static_cast<double>(frame) * frame_shift_s; }
};

/// At most `count` words of the bin but for the chosen one, likeliest first.
std::vector<WordAlternative> OtherWords(const ConfusionBin& bin, uint32_t chosen, int count,
                                        const std::function<std::string(uint32_t)>& spelling);

/// Turns the raw lattice of a segment into words: raw lattice -> word lattice -> rescorer, where there is one
/// -> words, n-best list, lattice to be written. The word lattice is made only where something is read from
/// it. Thread safe; the graph and the rescorer outlive it.
class SegmentDescriber {
 public:
  explicit SegmentDescriber(const GraphImage& graph, const DescriptionOptions& options = {},
                            const LatticeRescorer* rescorer = nullptr)
      : graph_(graph), options_(options), rescorer_(rescorer) {}

  /// Words with times and confidences; a segment without words has empty text. `first_frame` is the place of
  /// the lattice's frame 0 in the stream of `clock`.
  Segment Describe(const RawLattice& lattice, int64_t first_frame, const FrameClock& clock) const;

 private:
  /// Words that were chosen, with their confidences.
  struct Choice {
    std::vector<PathWord> words;
    std::vector<double> confidences;
    std::vector<std::vector<WordAlternative>> alternatives;  // as long as words, or empty
  };

  /// Whether words have costs that the raw lattice does not know.
  bool NeedsNetwork() const { return rescorer_ != nullptr || options_.graph_scale != 1; }
  Choice BestWords(const RawLattice& raw, const std::optional<WordLattice>& words) const;
  std::vector<Alternative> Strings(const WordLattice& words) const;
  std::string LatticeBody(const RawLattice& raw, const WordLattice& words, const FrameClock& clock) const;
  std::string Spell(std::span<const uint32_t> words) const;

  const GraphImage& graph_;
  const DescriptionOptions options_;
  const LatticeRescorer* const rescorer_;
};

}  // namespace skald
