#pragma once

#include <cstdint>
#include <vector>

#include "decoder/graph/graph_image.h"
#include "decoder/search/beam_search.h"
#include "decoder/search/stable_path.h"
#include "engine/line_decoder.h"
#include "engine/live_words.h"

namespace skald {

/// Lines by beam search over a decoding graph: what all hypotheses have in common is final, and so is what
/// was heard `max_delay_frames` ago. A word is over where the next one begins or `silent_frames` blanks
/// follow.
class GraphLineDecoder : public LineDecoder {
 public:
  /// The graph and `boost` (null: nothing boosted) outlive the decoder.
  GraphLineDecoder(const GraphImage& graph, const SearchOptions& search, const BoostAutomaton* boost,
                   int64_t silent_frames, int64_t max_delay_frames);

  void Begin() override;
  Status Advance(ScoreView nll) override;
  std::vector<LineWord> Settle() override;
  std::vector<LineWord> Finish() override;

 private:
  std::vector<LineWord> Spell(const std::vector<SettledWord>& words) const;

  const GraphImage& graph_;
  const BoostAutomaton* const boost_;
  const int64_t max_delay_frames_;
  BeamSearch search_;
  StablePath stable_;
  LiveWords words_;
  int64_t frames_ = 0;  // of the line
};

}  // namespace skald
