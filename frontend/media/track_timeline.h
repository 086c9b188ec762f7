#pragma once

#include <cstdint>
#include <optional>

namespace skald {

/// A decoded frame as the timeline sees it. Times in seconds of the player.
struct FrameTime {
  std::optional<double> start_s;  ///< nothing where the container says nothing
  int64_t samples = 0;
  int sample_rate_hz = 0;
};

/// Where a frame goes. First a segment may begin, then silence, then the frame without its first samples.
struct FramePlacement {
  enum class Trouble { kNone, kBackwards, kLeap, kJump };
  bool new_segment = false;
  int64_t first_sample = 0;     ///< of the new segment, at kSampleRateHz
  int64_t silence_samples = 0;  ///< at the rate of the frame
  int64_t dropped_samples = 0;  ///< of the frame, because they lie before time 0
  Trouble trouble = Trouble::kNone;
  double at_s = 0;      ///< where the stream is without this frame
  double off_by_s = 0;  ///< timestamp less count
};

/// Turns the timestamps of one track into places in a stream of segments: runs of samples without a hole and
/// of one rate, which never overlap. The rules are those of MediaReader's time. Pure arithmetic; one thread
/// at a time.
class TrackTimeline {
 public:
  /// `tick_s`: the clock of the container, i.e. how far it rounds timestamps.
  TrackTimeline(double max_filled_gap_s, double tick_s);

  /// The place of the next frame. `next` is the frame after it, if known: a leap that the next frame does not
  /// follow is a wrong timestamp, not a jump. `force_segment` begins a segment even where the time just goes
  /// on.
  FramePlacement Place(const FrameTime& frame, const std::optional<FrameTime>& next, bool force_segment);

  /// Player's time of the end of what was placed.
  double position_s() const;

 private:
  double max_filled_gap_s_;
  double tolerance_s_;
  bool started_ = false;
  int64_t segment_first_sample_ = 0;
  int64_t segment_samples_ = 0;  // at segment_rate_hz_
  int segment_rate_hz_ = 0;
  double offset_s_ = 0;  // added to timestamps after they went back for good
};

}  // namespace skald
