#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "decoder/greedy/greedy_decoder.h"
#include "engine/line_decoder.h"

namespace skald {

/// Lines without a decoding graph: words are final where the next one begins, or with the line.
class GreedyLineDecoder : public LineDecoder {
 public:
  /// `spellings` as SpellUnits has them; they outlive the decoder.
  explicit GreedyLineDecoder(std::span<const std::string> spellings) : decoder_(spellings) {}

  void Begin() override { decoder_.Begin(); }
  Status Advance(ScoreView nll) override { return decoder_.Advance(nll); }
  std::vector<LineWord> Settle() override { return Plain(decoder_.TakeWords()); }
  std::vector<LineWord> Finish() override { return Plain(decoder_.Finish()); }

 private:
  static std::vector<LineWord> Plain(std::vector<GreedyWord> words) {
    std::vector<LineWord> plain;
    for (GreedyWord& word : words) plain.push_back({std::move(word.text), word.start_frame, word.end_frame});
    return plain;
  }

  GreedyDecoder decoder_;
};

}  // namespace skald
