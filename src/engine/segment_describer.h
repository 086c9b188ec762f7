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
#include "engine/lattice_rescorer.h"

namespace skald {

/// Clock of a stream: frame f begins at origin_s + f * frame_shift_s of the media's time.
struct FrameClock {
  double origin_s = 0;
  double frame_shift_s = 0;
  double Seconds(int64_t frame) const { return origin_s + static_cast<double>(frame) * frame_shift_s; }
};

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

  Choice BestWords(const RawLattice& raw, const std::optional<WordLattice>& words) const;
  std::vector<Alternative> Strings(const WordLattice& words) const;
  std::string LatticeBody(const RawLattice& raw, const WordLattice& words, const FrameClock& clock) const;
  std::string Spell(std::span<const uint32_t> words) const;

  const GraphImage& graph_;
  const DescriptionOptions options_;
  const LatticeRescorer* const rescorer_;
};

}  // namespace skald
