#include <unistd.h>

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <sys/stat.h>

#include "base/file.h"
#include "frontend/media/media_test_files.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using test::Click;
using test::DecodeAll;
using test::RunFfmpeg;
using test::TemporaryFolder;
using test::WriteWav;

#define SKALD_FFMPEG_OR_SKIP() \
  if (!test::HaveFfmpeg()) GTEST_SKIP() << "the ffmpeg command is not here"

// The status of a file that fails: one line that names it.
void ExpectFailure(const std::string& path, StatusCode code, const std::string& reason,
                   const MediaOptions& options = {}) {
  const Status status = DecodeAll(path, options).status;
  EXPECT_EQ(status.code(), code) << status.ToString();
  EXPECT_EQ(status.file(), path);
  EXPECT_NE(status.ToString().find(reason), std::string::npos) << status.ToString();
  EXPECT_EQ(status.ToString().find('\n'), std::string::npos);
}

TEST(MediaReaderErrors, FilesThatCannotBeRead) {
  TemporaryFolder folder;
  ExpectFailure(folder / "none.wav", StatusCode::kNotFound, "No such file");
  ExpectFailure(folder.path(), StatusCode::kIo, "directory");
  ASSERT_TRUE(WriteFileAtomically(folder / "empty.wav", "").ok());
  ExpectFailure(folder / "empty.wav", StatusCode::kCorrupt, "empty");
  ExpectFailure("http://127.0.0.1:1/a.mp3", StatusCode::kInvalidArgument, "network input is off");
}

TEST(MediaReaderErrors, MissingPermission) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  TemporaryFolder folder;
  WriteWav(folder / "a.wav", 16000, 1, Click(16000, 1, 0.5));
  ASSERT_EQ(::chmod((folder / "a.wav").c_str(), 0), 0);
  ExpectFailure(folder / "a.wav", StatusCode::kIo, "Permission denied");
}

TEST(MediaReaderErrors, TextRenamedToMp3) {
  TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 500; ++i) text += "Ask not what your country can do for you.\n";
  ASSERT_TRUE(WriteFileAtomically(folder / "text.mp3", text).ok());
  const Status status = DecodeAll(folder / "text.mp3").status;
  EXPECT_TRUE(status.code() == StatusCode::kCorrupt || status.code() == StatusCode::kUnsupported)
      << status.ToString();
  EXPECT_EQ(status.file(), folder / "text.mp3");
}

TEST(MediaReaderErrors, PlaylistCannotReachTheNetwork) {
  TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "a.m3u8",
                                  "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n"
                                  "http://127.0.0.1:1/a.ts\n#EXT-X-ENDLIST\n")
                  .ok());
  EXPECT_FALSE(DecodeAll(folder / "a.m3u8").status.ok());
}

TEST(MediaReaderErrors, VideoWithoutAudio) {
  SKALD_FFMPEG_OR_SKIP();
  TemporaryFolder folder;
  ASSERT_TRUE(RunFfmpeg("-f lavfi -i testsrc=s=64x64:d=1 -c:v mpeg4 " + (folder / "v.mp4")));
  ExpectFailure(folder / "v.mp4", StatusCode::kUnsupported, "no audio track");
}

TEST(MediaReaderErrors, TrackAndOptionsOutOfRange) {
  TemporaryFolder folder;
  const std::string path = folder / "a.wav";
  WriteWav(path, 16000, 2, std::vector<int16_t>(3200));
  MediaOptions options;
  options.track = 1;
  ExpectFailure(path, StatusCode::kInvalidArgument, "audio track 1 does not exist", options);
  options.track = -2;
  ExpectFailure(path, StatusCode::kInvalidArgument, "audio track -2", options);
  options = {};
  options.max_channels = 1;
  ExpectFailure(path, StatusCode::kUnsupported, "2 channels", options);
  for (const double gap_s :
       {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    options = {};
    options.max_filled_gap_s = gap_s;
    ExpectFailure(path, StatusCode::kInvalidArgument, "max_filled_gap_s", options);
  }
}

TEST(MediaReaderErrors, WavOfNoneAndOneSample) {
  TemporaryFolder folder;
  WriteWav(folder / "0.wav", 16000, 1, {});
  const auto none = DecodeAll(folder / "0.wav");
  EXPECT_TRUE(none.status.ok()) << none.status.ToString();
  EXPECT_EQ(none.sample_count, 0);
  for (const int rate : {8000, 16000, 44100}) {
    WriteWav(folder / "1.wav", rate, 1, {16384});
    const auto one = DecodeAll(folder / "1.wav");
    ASSERT_TRUE(one.status.ok()) << one.status.ToString();
    EXPECT_EQ(one.sample_count, rate == 8000 ? 2 : 1) << rate;
  }
}

TEST(MediaReaderErrors, TruncatedMp4) {
  SKALD_FFMPEG_OR_SKIP();
  TemporaryFolder folder;
  const std::string tone = "-f lavfi -i sine=f=500:d=20 -c:a aac ";
  ASSERT_TRUE(RunFfmpeg(tone + (folder / "end.mp4")));
  ASSERT_TRUE(RunFfmpeg(tone + "-movflags +faststart " + (folder / "front.mp4")));
  for (const std::string name : {"end", "front"}) {
    const std::string bytes = ReadFile(folder / (name + ".mp4")).value();
    ASSERT_TRUE(WriteFileAtomically(folder / (name + "_half.mp4"), bytes.substr(0, bytes.size() / 2)).ok());
  }
  ExpectFailure(folder / "end_half.mp4", StatusCode::kCorrupt, "cannot be opened as media");
  const auto media = DecodeAll(folder / "front_half.mp4");
  EXPECT_TRUE(media.status.ok()) << media.status.ToString();
  EXPECT_GT(media.sample_count, 8 * kSampleRateHz);
  EXPECT_LT(media.sample_count, 12 * kSampleRateHz);
  ASSERT_FALSE(media.warnings.empty());
  EXPECT_NE(media.warnings.back().what.find("truncated"), std::string::npos) << media.warnings.back().what;
}

TEST(MediaReaderErrors, DamagedPacketsNeitherEndNorMoveTheStream) {
  SKALD_FFMPEG_OR_SKIP();
  TemporaryFolder folder;
  WriteWav(folder / "click.wav", 48000, 1, Click(48000, 20, 18.5));
  ASSERT_TRUE(
      RunFfmpeg("-i " + (folder / "click.wav") + " -c:a flac -frame_size 2048 " + (folder / "a.mkv")));
  std::string bytes = ReadFile(folder / "a.mkv").value();
  // Silence compresses to tiny packets: damage their headers in the first half of the file.
  for (size_t i = bytes.size() / 3; i < bytes.size() / 2; i += 40)
    bytes[i] = static_cast<char>(bytes[i] ^ 0x55);
  ASSERT_TRUE(WriteFileAtomically(folder / "b.mkv", bytes).ok());
  const auto media = DecodeAll(folder / "b.mkv");
  ASSERT_TRUE(media.status.ok()) << media.status.ToString();
  EXPECT_FALSE(media.warnings.empty());
  EXPECT_NEAR(test::PeakTime(media.only()), 18.5, 0.03);
}

}  // namespace
}  // namespace skald
