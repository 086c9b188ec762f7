#include "engine/live_words.h"

namespace skald {

void LiveWords::Begin() {
  labels_.clear();
  spans_.clear();
  in_word_ = false;
  last_frame_ = 0;
}

void LiveWords::Take(const PathStep& step) {
  last_frame_ = step.frame;
  if (step.cell == kRepeatCell && in_word_) spans_.back().end_frame = step.frame + 1;
  if (step.cell >= kEntryCell) return;
  const GraphArc& arc = graph_.arc(step.cell);
  if (arc.word != 0) labels_.push_back(arc.word);
  if (arc.unit == 0) return;
  if ((arc.flags & (kArcWordStart | kArcWordSeparator)) != 0 && !spans_.empty()) spans_.back().over = true;
  if ((arc.flags & kArcWordStart) != 0) spans_.push_back({step.frame, step.frame + 1, false});
  in_word_ = (arc.flags & kArcWordSeparator) == 0 && !spans_.empty() && !spans_.back().over;
  if (in_word_) spans_.back().end_frame = step.frame + 1;
}

std::vector<SettledWord> LiveWords::Push(std::span<const PathStep> steps, int64_t settled_frame) {
  for (const PathStep& step : steps) Take(step);
  std::vector<SettledWord> words;
  while (!labels_.empty() && !spans_.empty()) {
    const Span& span = spans_.front();
    if (!span.over && settled_frame - span.end_frame < silent_frames_) break;
    words.push_back({labels_.front(), span.start_frame, span.end_frame});
    // Units that still come belong to no later word.
    if (spans_.size() == 1) in_word_ = false;
    labels_.pop_front();
    spans_.pop_front();
  }
  return words;
}

std::vector<SettledWord> LiveWords::Finish() {
  std::vector<SettledWord> words;
  for (; !labels_.empty(); labels_.pop_front()) {
    if (spans_.empty()) {
      words.push_back({labels_.front(), last_frame_, last_frame_});
      continue;
    }
    words.push_back({labels_.front(), spans_.front().start_frame, spans_.front().end_frame});
    spans_.pop_front();
  }
  Begin();
  return words;
}

}  // namespace skald
