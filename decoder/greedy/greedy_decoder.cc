#include "decoder/greedy/greedy_decoder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/utf8.h"

namespace skald {

void GreedyDecoder::Begin() {
  finished_.clear();
  word_ = {};
  word_nll_ = 0;
  frame_ = 0;
  run_unit_ = 0;
  run_in_word_ = false;
}

Status GreedyDecoder::Advance(ScoreView nll) {
  if (nll.rows > 0 && nll.columns != static_cast<int64_t>(spellings_.size())) {
    return Status::InvalidArgument("scores have " + std::to_string(nll.columns) + " columns, the head has " +
                                   std::to_string(spellings_.size()) + " units");
  }
  for (int64_t r = 0; r < nll.rows; ++r) {
    const std::span<const float> row = nll.Row(r);
    bool numbers = true;
    for (const float score : row) numbers &= score == score;
    const auto best = std::min_element(row.begin(), row.end());
    if (!numbers || !std::isfinite(*best)) {
      return Status::InvalidArgument("scores are not finite").At("frame " + std::to_string(frame_));
    }
    TakeUnit(static_cast<size_t>(best - row.begin()), *best);
    ++frame_;
  }
  return Status::Ok();
}

void GreedyDecoder::TakeUnit(size_t unit, float nll) {
  if (unit == run_unit_) {
    if (!run_in_word_) return;
    word_.end_frame = frame_ + 1;
    word_nll_ += std::min(0.0f, nll - run_nll_);
    run_nll_ = std::min(run_nll_, nll);
    return;
  }
  run_unit_ = unit;
  run_nll_ = nll;
  run_in_word_ = false;
  for (const char c : spellings_[unit]) {
    if (c == ' ') {
      EndWord();
      continue;
    }
    if (word_.text.empty()) word_.start_frame = frame_;
    if (!run_in_word_) word_nll_ += nll;
    word_.text += c;
    word_.end_frame = frame_ + 1;
    run_in_word_ = true;
  }
}

void GreedyDecoder::EndWord() {
  run_in_word_ = false;
  const double nll = std::exchange(word_nll_, 0);
  if (word_.text.empty()) return;
  word_.text = ReplaceInvalidUtf8(word_.text);
  word_.confidence = std::clamp(std::exp(-nll), 0.0, 1.0);
  finished_.push_back(std::exchange(word_, {}));
}

std::vector<GreedyWord> GreedyDecoder::TakeWords() { return std::exchange(finished_, {}); }

std::vector<GreedyWord> GreedyDecoder::Finish() {
  EndWord();
  return TakeWords();
}

}  // namespace skald
