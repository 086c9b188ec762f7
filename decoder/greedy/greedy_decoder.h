#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/view.h"

namespace skald {

/// A word of the greedy path: frames [start_frame, end_frame) from the first of the stream.
struct GreedyWord {
  std::string text;         ///< valid UTF-8, not empty, without spaces
  int64_t start_frame = 0;  ///< first one of its first unit
  int64_t end_frame = 0;    ///< behind the last one of its last unit
  double confidence = 0;    ///< product of the largest probability of each of its units
};

/// Greedy CTC: the unit of smallest cost in every frame (the first of several), repeats merged, then blanks
/// dropped (Graves et al. 2006, "best path decoding"). The words depend on the scores only, not on how they
/// are split over calls. Takes time in proportion to the scores and memory in proportion to a word. Not
/// thread safe.
class GreedyDecoder {
 public:
  /// `spellings` [units] of SpellUnits outlive the decoder.
  explicit GreedyDecoder(std::span<const std::string> spellings) : spellings_(spellings) {}

  /// A new stream begins; what is left of the one before is dropped.
  void Begin();
  /// Takes the next frames: `nll` [frames, units] on the host, -ln of probabilities. kInvalidArgument where
  /// there are not as many columns as units, and for scores that are not numbers, with their frame.
  Status Advance(ScoreView nll);
  /// The words that are over since the last call: another one began, or a separator came.
  std::vector<GreedyWord> TakeWords();
  /// The stream is over: the words that are left.
  std::vector<GreedyWord> Finish();

 private:
  void TakeUnit(size_t unit, float nll);
  void EndWord();

  const std::span<const std::string> spellings_;
  std::vector<GreedyWord> finished_;
  GreedyWord word_;           // under way; without text: none
  double word_nll_ = 0;       // sum over its units
  int64_t frame_ = 0;         // next one
  size_t run_unit_ = 0;       // best unit of the frame before
  float run_nll_ = 0;         // its smallest since it is the best
  bool run_in_word_ = false;  // whether it is part of word_
};

}  // namespace skald
