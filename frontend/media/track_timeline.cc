#include "frontend/media/track_timeline.h"

#include <algorithm>
#include <cmath>

#include "base/audio.h"
#include "frontend/media/resampler.h"

namespace skald {
namespace {

// Less than the shortest frames of AAC and Opus (20 ms), so that a lost one is noticed, and more than the
// jitter of live recordings.
constexpr double kToleranceS = 0.015;
// The longest priming of an encoder that may lie before time 0.
constexpr double kMaxPrimingS = 0.2;
// 100 years: keeps sample counts far from the limits of int64_t.
constexpr double kMaxTimeS = 100.0 * 366 * 86400;

double DurationOf(const FrameTime& frame) {
  return static_cast<double>(frame.samples) / frame.sample_rate_hz;
}

}  // namespace

TrackTimeline::TrackTimeline(double max_filled_gap_s, double tick_s)
    : max_filled_gap_s_(max_filled_gap_s), tolerance_s_(kToleranceS + tick_s) {}

double TrackTimeline::position_s() const {
  const double start_s = static_cast<double>(segment_first_sample_) / kSampleRateHz;
  return segment_samples_ == 0 ? start_s : start_s + static_cast<double>(segment_samples_) / segment_rate_hz_;
}

FramePlacement TrackTimeline::Place(const FrameTime& frame, const std::optional<FrameTime>& next,
                                    bool force_segment) {
  FramePlacement place;
  place.at_s = position_s();
  double gap_s = 0;
  if (frame.start_s && std::abs(*frame.start_s) < kMaxTimeS) {
    if (std::abs(*frame.start_s - place.at_s) <= tolerance_s_) offset_s_ = 0;
    gap_s = *frame.start_s + offset_s_ - place.at_s;
  }
  place.off_by_s = gap_s;
  bool jump = false;
  if (!started_ && gap_s < 0 && gap_s >= -kMaxPrimingS) {
    place.dropped_samples = std::min<int64_t>(frame.samples, std::llround(-gap_s * frame.sample_rate_hz));
    if (place.dropped_samples == frame.samples) return place;  // all of it priming: the stream has not begun
  } else if (gap_s < -tolerance_s_) {
    offset_s_ -= gap_s;
    place.trouble = FramePlacement::Trouble::kBackwards;
  } else if (!started_) {
    jump = gap_s > 0;
  } else if (gap_s > tolerance_s_) {
    const bool followed =
        !next || !next->start_s || *next->start_s >= *frame.start_s + DurationOf(frame) - tolerance_s_;
    if (!followed) {
      place.trouble = FramePlacement::Trouble::kLeap;
    } else if (gap_s > max_filled_gap_s_) {
      jump = true;
      place.trouble = FramePlacement::Trouble::kJump;
    } else {
      place.silence_samples = std::llround(gap_s * frame.sample_rate_hz);
    }
  }
  if (!started_ || jump || force_segment || frame.sample_rate_hz != segment_rate_hz_) {
    // The last segment's length was rounded up to whole samples, so the new one begins there or later.
    const int64_t end =
        segment_samples_ == 0
            ? segment_first_sample_
            : segment_first_sample_ + Resampler::OutputCount(segment_samples_, segment_rate_hz_);
    place.new_segment = true;
    place.first_sample =
        jump ? std::max(end, static_cast<int64_t>(std::llround((place.at_s + gap_s) * kSampleRateHz))) : end;
    segment_first_sample_ = place.first_sample;
    segment_samples_ = 0;
    segment_rate_hz_ = frame.sample_rate_hz;
    started_ = true;
  }
  segment_samples_ += place.silence_samples + frame.samples - place.dropped_samples;
  return place;
}

}  // namespace skald
