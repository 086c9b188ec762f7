#include "frontend/media/media_reader.h"

#include <cmath>
#include <gtest/gtest.h>

#include "base/file.h"
#include "frontend/media/media_test_files.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

using test::Click;
using test::DecodeAll;
using test::PeakTime;
using test::RunFfmpeg;
using test::TemporaryFolder;
using test::WriteWav;

constexpr double kClickS = 1.25;

TEST(MediaReader, SixteenBitAtSixteenKilohertzPassesExactly) {
  TemporaryFolder folder;
  std::vector<int16_t> samples;
  for (int i = 0; i < 50000; ++i) samples.push_back(static_cast<int16_t>(i * 7919));
  WriteWav(folder / "a.wav", 16000, 1, samples);
  const auto media = DecodeAll(folder / "a.wav");
  ASSERT_TRUE(media.status.ok()) << media.status.ToString();
  ASSERT_EQ(media.only().size(), samples.size());
  for (size_t i = 0; i < samples.size(); ++i)
    ASSERT_EQ(media.only()[i], static_cast<float>(samples[i]) / 32768) << i;
  EXPECT_TRUE(media.warnings.empty());
  EXPECT_EQ(media.info.audio_tracks.at(0).codec, "pcm_s16le");
  EXPECT_EQ(media.info.audio_tracks.at(0).sample_rate_hz, 16000);
  EXPECT_NEAR(media.info.duration_s, 3.125, 1e-6);
  EXPECT_FALSE(media.info.has_video);
}

TEST(MediaReader, ChannelsAreMixedOrSplit) {
  TemporaryFolder folder;
  std::vector<int16_t> samples;
  for (int i = 0; i < 20000; ++i) samples.insert(samples.end(), {16384, -8192, 8192});
  WriteWav(folder / "a.wav", 16000, 3, samples);
  EXPECT_NEAR(DecodeAll(folder / "a.wav").only().at(777), 0.5f / 3, 1e-6);
  MediaOptions options;
  options.split_channels = true;
  const auto split = DecodeAll(folder / "a.wav", options);
  ASSERT_EQ(split.streams.size(), 3u);
  const float expected[] = {0.5f, -0.25f, 0.25f};
  for (int channel = 0; channel < 3; ++channel) {
    EXPECT_EQ(split.streams.at({0, channel}), std::vector<float>(20000, expected[channel]));
  }
}

struct ClickCase {
  const char* name;  // of the file
  const char* arguments;
  double click_s;
};

class ClickTimes : public testing::TestWithParam<ClickCase> {};

// The click is where it was before coding. Containers that declare no priming are tested with codecs of
// little delay.
TEST_P(ClickTimes, AreKept) {
  if (!test::HaveFfmpeg()) GTEST_SKIP() << "the ffmpeg command is not here";
  TemporaryFolder folder;
  WriteWav(folder / "click.wav", 48000, 2, [] {
    std::vector<int16_t> stereo;
    for (const int16_t x : Click(48000, 3, kClickS)) stereo.insert(stereo.end(), {x, x});
    return stereo;
  }());
  std::string arguments = GetParam().arguments;
  arguments.replace(arguments.find("CLICK"), 5, "-i " + (folder / "click.wav"));
  const std::string path = folder / GetParam().name;
  if (!RunFfmpeg(arguments + " " + path)) GTEST_SKIP() << "this ffmpeg cannot write " << GetParam().name;
  const auto media = DecodeAll(path);
  ASSERT_TRUE(media.status.ok()) << media.status.ToString();
  EXPECT_NEAR(PeakTime(media.only()), GetParam().click_s, test::kMediaTimeS);
  EXPECT_TRUE(media.warnings.empty()) << media.warnings[0].what;
}

#define SKALD_VIDEO "-f lavfi -i testsrc=s=64x64:r=25:d=5 "
INSTANTIATE_TEST_SUITE_P(
    Containers, ClickTimes,
    testing::Values(
        ClickCase{"a.wav", "CLICK", 1.25}, ClickCase{"a44.wav", "CLICK -ar 44100", 1.25},
        ClickCase{"a8.wav", "CLICK -ar 8000", 1.25}, ClickCase{"a.flac", "CLICK", 1.25},
        ClickCase{"a.mp3", "CLICK -ar 44100 -b:a 128k", 1.25}, ClickCase{"a.m4a", "CLICK -c:a aac", 1.25},
        ClickCase{"a.opus", "CLICK -c:a libopus", 1.25}, ClickCase{"a.webm", "CLICK -c:a libopus", 1.25},
        ClickCase{"a.ogg", "CLICK -c:a libvorbis", 1.25}, ClickCase{"a.mkv", "CLICK -c:a flac", 1.25},
        ClickCase{"a.ts", "CLICK -c:a s302m -strict -2", 1.25},
        // A start of the container that is not zero is time 0; a track that begins later than the video stays
        // later.
        ClickCase{"shifted.mkv", "-itsoffset 7.5 CLICK -c:a flac", 1.25},
        ClickCase{"later.mp4", SKALD_VIDEO "-itsoffset 1.5 CLICK -c:v mpeg4 -c:a aac", 2.75},
        ClickCase{"later.mov", SKALD_VIDEO "-itsoffset 1.5 CLICK -c:v mpeg4 -c:a pcm_s16le", 2.75},
        ClickCase{"later.mkv", SKALD_VIDEO "-itsoffset 1.5 CLICK -c:v mpeg4 -c:a aac", 2.75},
        ClickCase{"later.webm", SKALD_VIDEO "-itsoffset 1.5 CLICK -c:v libvpx -c:a libopus", 2.75},
        ClickCase{"later.ts", SKALD_VIDEO "-itsoffset 1.5 CLICK -c:v mpeg2video -c:a mp2", 2.75}),
    [](const auto& case_info) {
      std::string name = case_info.param.name;
      for (char& c : name) c = c == '.' ? '_' : c;
      return name;
    });

TEST(MediaReader, AllTracksAndTheirLanguages) {
  if (!test::HaveFfmpeg()) GTEST_SKIP() << "the ffmpeg command is not here";
  TemporaryFolder folder;
  WriteWav(folder / "a.wav", 16000, 1, Click(16000, 3, 1.0));
  WriteWav(folder / "b.wav", 16000, 1, Click(16000, 3, 2.0));
  ASSERT_TRUE(RunFfmpeg("-i " + (folder / "a.wav") + " -i " + (folder / "b.wav") +
                        " -map 0 -map 1 -c:a flac -metadata:s:a:1 language=deu " + (folder / "ab.mkv")));
  MediaOptions options;
  options.track = -1;
  const auto all = DecodeAll(folder / "ab.mkv", options);
  ASSERT_TRUE(all.status.ok()) << all.status.ToString();
  EXPECT_NEAR(PeakTime(all.streams.at({0, 0})), 1.0, 0.001);
  EXPECT_NEAR(PeakTime(all.streams.at({1, 0})), 2.0, 0.001);
  EXPECT_TRUE(all.info.audio_tracks.at(1).language == "deu" || all.info.audio_tracks.at(1).language == "ger");
  options.track = 1;
  EXPECT_EQ(DecodeAll(folder / "ab.mkv", options).streams.begin()->second, all.streams.at({1, 0}));
  options.track = -1;
  options.max_tracks = 1;
  EXPECT_EQ(DecodeAll(folder / "ab.mkv", options).status.code(), StatusCode::kResourceExhausted);
}

TEST(MediaReader, GapsAreFilledOrJumped) {
  if (!test::HaveFfmpeg()) GTEST_SKIP() << "the ffmpeg command is not here";
  TemporaryFolder folder;
  WriteWav(folder / "click.wav", 16000, 1, Click(16000, 6, 5.0));
  // Drops the frames between 2 and 2.6 s, and leaves their time.
  ASSERT_TRUE(RunFfmpeg("-i " + (folder / "click.wav") +
                        " -af \"aselect='not(between(t,2,2.6))'\" -c:a pcm_s16le " + (folder / "gap.mkv")));
  for (const double max_filled_gap_s : {1.0, 0.2}) {
    MediaOptions options;
    options.max_filled_gap_s = max_filled_gap_s;
    const auto media = DecodeAll(folder / "gap.mkv", options);
    ASSERT_TRUE(media.status.ok()) << media.status.ToString();
    EXPECT_NEAR(PeakTime(media.only()), 5.0, 0.002);
    EXPECT_EQ(media.hole_samples > 0, max_filled_gap_s < 0.5);
    EXPECT_EQ(media.warnings.empty(), max_filled_gap_s > 0.5);
  }
}

}  // namespace
}  // namespace skald
