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

Endpointer::Endpointer(const EndpointOptions& options, double frame_shift_s, int64_t units, Consume consume)
    : consume_(std::move(consume)),
      units_(units),
      pause_frames_(Frames(options.pause_s, frame_shift_s)),
      margin_frames_(Frames(options.pause_s / 2, frame_shift_s)),
      long_segment_frames_(Frames(options.long_segment_s, frame_shift_s)),
      max_segment_frames_(Frames(options.max_segment_s, frame_shift_s)),
      blank_nll_(static_cast<float>(-std::log(options.blank_probability))) {}

void Endpointer::Push(ScoreView nll) {
  for (int64_t frame = 0; frame < nll.rows; ++frame) PushFrame(nll.Row(frame));
}

void Endpointer::PushFrame(std::span<const float> row) {
  const bool pause = row[0] <= blank_nll_;
  pending_.insert(pending_.end(), row.begin(), row.end());
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
      if (pending_frames_ > margin_frames_) DropFront(pending_frames_ - margin_frames_);
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
  segment.scores = ScoreMatrix(frames, units_);
  std::copy_n(pending_.begin(), frames * units_, segment.scores.nll.begin());
  consume_(std::move(segment));

  // Replay what stays, so that its pauses are counted as if it had arrived alone.
  const std::vector<float> rest(pending_.begin() + static_cast<std::ptrdiff_t>(frames * units_),
                                pending_.end());
  first_frame_ += frames;
  pending_.clear();
  pending_frames_ = blank_run_ = longest_pause_ = longest_pause_end_ = 0;
  has_speech_ = false;
  for (size_t offset = 0; offset < rest.size(); offset += static_cast<size_t>(units_)) {
    PushFrame(std::span(rest).subspan(offset, static_cast<size_t>(units_)));
  }
}

void Endpointer::DropFront(int64_t frames) {
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(frames * units_));
  pending_frames_ -= frames;
  first_frame_ += frames;
}

void Endpointer::Finish() {
  if (has_speech_) Emit(pending_frames_);
  pending_.clear();
  pending_frames_ = 0;
  has_speech_ = false;
}

}  // namespace skald
