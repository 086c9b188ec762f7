#include "frontend/media/track_timeline.h"

#include <array>
#include <gtest/gtest.h>
#include <random>

#include "frontend/media/resampler.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using Trouble = FramePlacement::Trouble;

constexpr int kRate = 16000;

FrameTime At(std::optional<double> start_s, int64_t samples = 1600, int rate = kRate) {
  return {start_s, samples, rate};
}

TEST(TrackTimeline, StartsWhereTheTrackStarts) {
  TrackTimeline timeline(1.0, 0.001);
  const auto place = timeline.Place(At(1.5), At(1.6), false);
  EXPECT_TRUE(place.new_segment);
  EXPECT_EQ(place.first_sample, 24000);
  EXPECT_EQ(place.trouble, Trouble::kNone);
  EXPECT_DOUBLE_EQ(timeline.position_s(), 1.6);
}

TEST(TrackTimeline, PrimingBeforeTimeZeroIsDropped) {
  TrackTimeline timeline(1.0, 0.001);
  EXPECT_EQ(timeline.Place(At(-0.15), At(-0.05), false).dropped_samples, 1600);
  const auto place = timeline.Place(At(-0.05), At(0.05), false);
  EXPECT_TRUE(place.new_segment);
  EXPECT_EQ(place.first_sample, 0);
  EXPECT_EQ(place.dropped_samples, 800);
  EXPECT_NEAR(timeline.position_s(), 0.05, 1e-9);
}

TEST(TrackTimeline, JitterChangesNothing) {
  TrackTimeline timeline(1.0, 0.001);
  (void)timeline.Place(At(0.0), {}, false);
  for (const double jitter_s : {0.014, -0.014, 0.009}) {
    const double position_s = timeline.position_s();
    const auto place = timeline.Place(At(position_s + jitter_s), {}, false);
    EXPECT_FALSE(place.new_segment);
    EXPECT_EQ(place.silence_samples, 0);
    EXPECT_EQ(place.trouble, Trouble::kNone);
  }
}

TEST(TrackTimeline, ShortGapIsFilledLongOneJumps) {
  TrackTimeline timeline(1.0, 0.001);
  (void)timeline.Place(At(0.0), {}, false);
  auto place = timeline.Place(At(0.6), At(0.7), false);
  EXPECT_EQ(place.silence_samples, 8000);
  EXPECT_FALSE(place.new_segment);
  place = timeline.Place(At(2.0), At(2.1), false);
  EXPECT_TRUE(place.new_segment);
  EXPECT_EQ(place.first_sample, 32000);
  EXPECT_EQ(place.trouble, Trouble::kJump);
  EXPECT_EQ(place.silence_samples, 0);
}

TEST(TrackTimeline, LeapThatTheNextFrameDoesNotFollowIsIgnored) {
  TrackTimeline timeline(1.0, 0.001);
  (void)timeline.Place(At(0.0), {}, false);
  EXPECT_EQ(timeline.Place(At(5000.0), At(0.2), false).trouble, Trouble::kLeap);
  EXPECT_EQ(timeline.Place(At(0.2), At(0.3), false).trouble, Trouble::kNone);
  EXPECT_NEAR(timeline.position_s(), 0.3, 1e-9);
}

TEST(TrackTimeline, RestartedClockWarnsOnceAndPlaysOn) {
  TrackTimeline timeline(1.0, 0.001);
  (void)timeline.Place(At(10.0), {}, false);
  EXPECT_EQ(timeline.Place(At(0.0), {}, false).trouble, Trouble::kBackwards);
  EXPECT_EQ(timeline.Place(At(0.1), {}, false).trouble, Trouble::kNone);
  EXPECT_NEAR(timeline.position_s(), 10.3, 1e-9);
}

TEST(TrackTimeline, LoneBackwardStampDoesNotShiftTheRest) {
  TrackTimeline timeline(1.0, 0.001);
  (void)timeline.Place(At(10.0), {}, false);
  EXPECT_EQ(timeline.Place(At(3.0), {}, false).trouble, Trouble::kBackwards);
  auto place = timeline.Place(At(10.2), {}, false);
  EXPECT_EQ(place.trouble, Trouble::kNone);
  EXPECT_EQ(place.silence_samples, 0);
  place = timeline.Place(At(10.8), {}, false);
  EXPECT_EQ(place.silence_samples, 8000);
}

TEST(TrackTimeline, MissingStampsContinue) {
  TrackTimeline timeline(1.0, 0.001);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(timeline.Place(At(std::nullopt), {}, false).trouble, Trouble::kNone);
  EXPECT_NEAR(timeline.position_s(), 0.5, 1e-9);
}

TEST(TrackTimeline, RateChangeBeginsASegmentAtTheSameTime) {
  TrackTimeline timeline(1.0, 0.001);
  (void)timeline.Place(At(0.0, 4410, 44100), {}, false);
  const auto place = timeline.Place(At(0.1, 4800, 48000), {}, false);
  EXPECT_TRUE(place.new_segment);
  EXPECT_EQ(place.first_sample, 1600);
  EXPECT_NEAR(timeline.position_s(), 0.2, 1e-9);
}

TEST(TrackTimeline, SegmentsNeverOverlapWhateverTheStamps) {
  std::mt19937_64 random(test::PropertySeed());
  for (int round = 0; round < 200; ++round) {
    TrackTimeline timeline(static_cast<double>(random() % 3) / 2, 0.001);
    int64_t segment_start = 0, segment_samples = 0;
    int segment_rate = kRate;
    for (int i = 0; i < 100; ++i) {
      FrameTime frame =
          At(static_cast<double>(random() % 40000) / 1000 - 20, static_cast<int64_t>(1 + random() % 3000),
             std::array{8000, 16000, 44100}[random() % 3]);
      if (random() % 4 == 0) frame.start_s = std::nullopt;
      if (random() % 50 == 0) frame.start_s = 1e30;
      const auto place = timeline.Place(frame, std::nullopt, random() % 10 == 0);
      ASSERT_GE(place.silence_samples, 0);
      ASSERT_GE(place.dropped_samples, 0);
      ASSERT_LE(place.dropped_samples, frame.samples);
      if (place.dropped_samples == frame.samples) continue;
      if (place.new_segment) {
        ASSERT_GE(place.first_sample, segment_start + Resampler::OutputCount(segment_samples, segment_rate));
        segment_start = place.first_sample;
        segment_samples = 0;
        segment_rate = frame.sample_rate_hz;
      }
      ASSERT_EQ(segment_rate, frame.sample_rate_hz);
      segment_samples += place.silence_samples + frame.samples - place.dropped_samples;
    }
  }
}

}  // namespace
}  // namespace skald
