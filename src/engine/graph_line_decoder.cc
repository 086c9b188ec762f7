#include "engine/graph_line_decoder.h"

namespace skald {

GraphLineDecoder::GraphLineDecoder(const GraphImage& graph, const SearchOptions& search,
                                   const BoostAutomaton* boost, int64_t silent_frames,
                                   int64_t max_delay_frames)
    : graph_(graph),
      boost_(boost),
      max_delay_frames_(max_delay_frames),
      search_(graph, search),
      words_(graph, silent_frames) {}

void GraphLineDecoder::Begin() {
  frames_ = 0;
  search_.Begin(boost_);
  stable_.Begin();
  words_.Begin();
}

Status GraphLineDecoder::Advance(ScoreView nll) {
  frames_ += nll.rows;
  return search_.Advance(nll);
}

std::vector<LineWord> GraphLineDecoder::Settle() {
  const LinkHistory& history = search_.history();
  std::vector<uint8_t> alive = search_.Hypotheses();
  std::vector<PathStep> steps = stable_.Settle(history, alive);
  const int64_t decide = frames_ - max_delay_frames_;
  if (stable_.settled_frame(history) < decide) {
    const std::vector<PathStep> more = stable_.Decide(history, search_.BestToken(false), decide, alive);
    steps.insert(steps.end(), more.begin(), more.end());
    search_.Keep(alive);
  }
  return Spell(words_.Push(steps, stable_.settled_frame(history)));
}

std::vector<LineWord> GraphLineDecoder::Finish() {
  const std::vector<PathStep> steps = stable_.Finish(search_.history(), search_.BestToken(true));
  std::vector<SettledWord> words = words_.Push(steps, frames_);
  for (const SettledWord& word : words_.Finish()) words.push_back(word);
  return Spell(words);
}

std::vector<LineWord> GraphLineDecoder::Spell(const std::vector<SettledWord>& words) const {
  std::vector<LineWord> spelled;
  for (const SettledWord& word : words) {
    spelled.push_back({std::string(graph_.word(word.word)), word.start_frame, word.end_frame});
  }
  return spelled;
}

}  // namespace skald
