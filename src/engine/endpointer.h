#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "engine/endpoint_options.h"
#include "engine/score_rows.h"

namespace skald {

/// A stretch of scores between two pauses. Frames are numbered in the stream.
struct ScoreSegment {
  int64_t index = 0;
  int64_t first_frame = 0;
  std::vector<ScoreRows> pieces;  ///< one after the other; none is empty

  int64_t frames() const {
    int64_t sum = 0;
    for (const ScoreRows& piece : pieces) sum += piece.frames();
    return sum;
  }
};

/// Cuts a stream of scores into segments in the middle of its pauses. Pauses longer than pause_s are left out
/// but for half of pause_s at each side, so silence of any length costs neither memory nor search. The cut is
/// a function of the blank's scores alone: it does not depend on how they are split over calls. Segments
/// share the memory of the scores. Not thread safe.
class Endpointer {
 public:
  using Consume = std::function<void(ScoreSegment)>;

  Endpointer(const EndpointOptions& options, double frame_shift_s, Consume consume);

  /// Takes the next frames.
  void Push(const ScoreRows& rows);
  /// The stream ended: hands out what is left where it holds anything but pause.
  void Finish();

  /// No segment that is still to come starts before this frame of the stream.
  int64_t first_frame() const { return first_frame_; }

 private:
  void TakeFrame();
  void Emit(int64_t frames);
  std::vector<ScoreRows> TakeFront(int64_t frames);

  const Consume consume_;
  const int64_t pause_frames_, margin_frames_, long_segment_frames_, max_segment_frames_;
  const float blank_nll_;

  std::deque<ScoreRows> held_;    // rows of the segment being collected, and those not looked at yet
  std::deque<float> held_blank_;  // their blank column
  int64_t first_frame_ = 0;       // of held_, in the stream
  int64_t pending_frames_ = 0;    // of held_, looked at
  int64_t blank_run_ = 0;         // pause frames at the end of them
  bool has_speech_ = false;       // one of them is not pause
  int64_t longest_pause_ = 0;     // inside them, between speech
  int64_t longest_pause_end_ = 0;
  int64_t next_index_ = 0;
};

}  // namespace skald
