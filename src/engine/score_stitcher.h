#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "engine/score_rows.h"

namespace skald {

/// Scores of one window of a stream and which of them count; frames are numbered in the stream.
struct WindowScores {
  int64_t index = 0;
  int64_t first_frame = 0;
  int64_t keep_first_frame = 0;
  int64_t keep_end_frame = 0;
  bool last = false;
  ScoreRows scores;
};

/// Joins the kept frames of windows into one sequence, in order of window index whatever the order of
/// arrival, so that one search can run over the whole stream and no word is cut in two. Not thread safe.
class ScoreStitcher {
 public:
  /// Takes a window and calls `consume(ScoreRows rows)` with every piece that is now next in the stream.
  template <typename Consume>
  void Add(WindowScores window, Consume&& consume) {
    waiting_.emplace(window.index, std::move(window));
    for (auto it = waiting_.find(next_index_); it != waiting_.end(); it = waiting_.find(next_index_)) {
      const WindowScores& next = it->second;
      const int64_t skip = next.keep_first_frame - next.first_frame;
      const int64_t end = next.last ? next.scores.frames() : next.keep_end_frame - next.first_frame;
      if (end > skip) consume(next.scores.Rows(skip, end - skip));
      finished_ = next.last;
      waiting_.erase(it);
      ++next_index_;
    }
  }

  /// All windows up to the last one went through.
  bool finished() const { return finished_; }

 private:
  int64_t next_index_ = 0;
  bool finished_ = false;
  std::map<int64_t, WindowScores> waiting_;
};

}  // namespace skald
