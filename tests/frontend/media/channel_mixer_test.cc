#include "frontend/media/channel_mixer.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "frontend/media/av_handles.h"

namespace skald {
namespace {

// A frame of `values` [samples][channels], packed or planar.
template <typename T>
FrameHandle MakeFrame(AVSampleFormat format, int channels, const std::vector<T>& values) {
  FrameHandle frame(av_frame_alloc());
  frame->format = format;
  frame->nb_samples = static_cast<int>(values.size()) / channels;
  av_channel_layout_default(&frame->ch_layout, channels);
  EXPECT_EQ(av_frame_get_buffer(frame.get(), 0), 0);
  const bool planar = av_sample_fmt_is_planar(format) != 0;
  for (int i = 0; i < frame->nb_samples; ++i) {
    for (int c = 0; c < channels; ++c) {
      T* plane = reinterpret_cast<T*>(frame->extended_data[planar ? c : 0]);
      plane[planar ? i : i * channels + c] = values[static_cast<size_t>(i * channels + c)];
    }
  }
  return frame;
}

TEST(ChannelMixer, SixteenBitIsExactInEveryLayout) {
  const std::vector<int16_t> values{-32768, 32767, 1, -1, 100, 300};
  for (const AVSampleFormat format : {AV_SAMPLE_FMT_S16, AV_SAMPLE_FMT_S16P}) {
    const FrameHandle frame = MakeFrame(format, 2, values);
    Lanes lanes;
    ASSERT_TRUE(MixChannels(*frame, true, &lanes));
    EXPECT_EQ(lanes, (Lanes{{-1.0f, 1 / 32768.0f, 100 / 32768.0f},
                            {32767 / 32768.0f, -1 / 32768.0f, 300 / 32768.0f}}));
    ASSERT_TRUE(MixChannels(*frame, false, &lanes));
    EXPECT_EQ(lanes, (Lanes{{-1 / 65536.0f, 0.0f, 200 / 32768.0f}}));
  }
}

TEST(ChannelMixer, FullScaleInAllChannelsDoesNotClip) {
  const FrameHandle frame = MakeFrame<float>(AV_SAMPLE_FMT_FLTP, 6, std::vector<float>(12, 1.0f));
  Lanes lanes;
  ASSERT_TRUE(MixChannels(*frame, false, &lanes));
  for (const float x : lanes[0]) EXPECT_NEAR(x, 1.0f, 1e-6f);
}

TEST(ChannelMixer, KnowsEverySampleFormat) {
  Lanes lanes;
  ASSERT_TRUE(MixChannels(*MakeFrame<uint8_t>(AV_SAMPLE_FMT_U8, 1, {0, 128, 192}), false, &lanes));
  EXPECT_EQ(lanes[0], (std::vector<float>{-1.0f, 0.0f, 0.5f}));
  ASSERT_TRUE(
      MixChannels(*MakeFrame<int32_t>(AV_SAMPLE_FMT_S32P, 1, {-2147483647 - 1, 1 << 30}), false, &lanes));
  EXPECT_EQ(lanes[0], (std::vector<float>{-1.0f, 0.5f}));
  ASSERT_TRUE(MixChannels(*MakeFrame<int64_t>(AV_SAMPLE_FMT_S64, 1, {int64_t{1} << 62}), false, &lanes));
  EXPECT_EQ(lanes[0], (std::vector<float>{0.5f}));
  ASSERT_TRUE(MixChannels(*MakeFrame<double>(AV_SAMPLE_FMT_DBL, 1, {0.25, -0.75}), false, &lanes));
  EXPECT_EQ(lanes[0], (std::vector<float>{0.25f, -0.75f}));
}

TEST(ChannelMixer, NotANumberBecomesSilence) {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinity = std::numeric_limits<float>::infinity();
  Lanes lanes;
  ASSERT_TRUE(MixChannels(*MakeFrame<float>(AV_SAMPLE_FMT_FLT, 1, {nan, infinity, 0.5f}), false, &lanes));
  EXPECT_EQ(lanes[0], (std::vector<float>{0.0f, 0.0f, 0.5f}));
}

}  // namespace
}  // namespace skald
