#include "engine/endpointer.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace skald {

Status EndpointOptions::Validate() const {
  if (!(pause_s >= 0.1)) return Status::InvalidArgument("pause_s must be at least 0.1");
  if (!(blank_probability > 0.5 && blank_probability < 1.0)) {
    return Status::InvalidArgument("blank_probability must be within 0.5 to 1");
  }
  if (!(long_segment_s >= pause_s && max_segment_s >= long_segment_s)) {
    return Status::InvalidArgument("pause_s, long_segment_s and max_segment_s must not decrease");
  }
  return Status::Ok();
}

namespace {

int64_t Frames(double seconds, double frame_shift_s) {
  return std::max<int64_t>(1, std::llround(seconds / frame_shift_s));
}

}  // namespace

Endpointer::Endpointer(const EndpointOptions& options, double frame_shift_s, Consume consume)
    : consume_(std::move(consume)),
      pause_frames_(Frames(options.pause_s, frame_shift_s)),
      margin_frames_(Frames(options.pause_s / 2, frame_shift_s)),
      long_segment_frames_(Frames(options.long_segment_s, frame_shift_s)),
      max_segment_frames_(Frames(options.max_segment_s, frame_shift_s)),
      blank_nll_(static_cast<float>(-std::log(options.blank_probability))) {}

void Endpointer::Push(const ScoreRows& rows) {
  if (rows.frames() == 0) return;
  held_.push_back(rows);
  held_blank_.insert(held_blank_.end(), rows.blank_nll, rows.blank_nll + rows.frames());
  // What a cut leaves is looked at again, so that its pauses are counted as if it had arrived alone.
  while (pending_frames_ < static_cast<int64_t>(held_blank_.size())) TakeFrame();
}

void Endpointer::TakeFrame() {
  const bool pause = held_blank_[static_cast<size_t>(pending_frames_)] <= blank_nll_;
  ++pending_frames_;
  if (!pause) {
    if (has_speech_ && blank_run_ >= longest_pause_) {
      longest_pause_ = blank_run_;
      longest_pause_end_ = pending_frames_ - 1;
    }
    has_speech_ = true;
    blank_run_ = 0;
  } else {
    ++blank_run_;
    if (!has_speech_) {
      if (pending_frames_ > margin_frames_) {
        pending_frames_ = margin_frames_;
        TakeFront(1);
      }
      return;
    }
    if (blank_run_ >= pause_frames_) {
      Emit(pending_frames_ - blank_run_ + margin_frames_);
      return;
    }
  }
  if (pending_frames_ >= max_segment_frames_ ||
      (pending_frames_ >= long_segment_frames_ && longest_pause_ > 0)) {
    // Cut in the middle of the longest pause; without any, here.
    Emit(longest_pause_ > 0 ? longest_pause_end_ - longest_pause_ / 2 : pending_frames_);
  }
}

void Endpointer::Emit(int64_t frames) {
  ScoreSegment segment;
  segment.index = next_index_++;
  segment.first_frame = first_frame_;
  segment.pieces = TakeFront(frames);
  pending_frames_ = blank_run_ = longest_pause_ = longest_pause_end_ = 0;
  has_speech_ = false;
  consume_(std::move(segment));
}

std::vector<ScoreRows> Endpointer::TakeFront(int64_t frames) {
  first_frame_ += frames;
  held_blank_.erase(held_blank_.begin(), held_blank_.begin() + static_cast<std::ptrdiff_t>(frames));
  std::vector<ScoreRows> pieces;
  while (frames > 0) {
    ScoreRows& front = held_.front();
    const int64_t count = std::min(frames, front.frames());
    pieces.push_back(front.Rows(0, count));
    front = front.Rows(count, front.frames() - count);
    if (front.frames() == 0) held_.pop_front();
    frames -= count;
  }
  return pieces;
}

void Endpointer::Finish() {
  if (has_speech_) Emit(pending_frames_);
  TakeFront(static_cast<int64_t>(held_blank_.size()));
  pending_frames_ = 0;
}

}  // namespace skald
