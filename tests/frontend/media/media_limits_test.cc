#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/stopwatch.h"
#include "frontend/media/media_reader.h"
#include "frontend/media/media_test_files.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using test::DecodeAll;
using test::TemporaryFolder;

/// A second of silence as a .wav whose header says what it likes.
std::string Wav(uint32_t rate, uint16_t channels, uint32_t stated_bytes) {
  std::string bytes = "RIFF";
  const auto put = [&bytes](uint32_t value, size_t count) {
    bytes.append(reinterpret_cast<const char*>(&value), count);
  };
  put(stated_bytes, 4);
  bytes += "WAVEfmt ";
  put(16, 4);
  put(1, 2);
  put(channels, 2);
  put(rate, 4);
  put(rate * channels * 2, 4);
  put(channels * 2u, 2);
  put(16, 2);
  bytes += "data";
  put(stated_bytes, 4);
  return bytes.append(32000, '\0');
}

/// Decodes `bytes` as a file; the seconds it took are bounded.
test::DecodedMedia Decode(const std::string& bytes, const std::string& name = "a.wav",
                          const MediaOptions& options = {}) {
  TemporaryFolder folder;
  EXPECT_TRUE(WriteFileAtomically(folder / name, bytes).ok());
  const Stopwatch watch;
  auto media = DecodeAll(folder / name, options);
  EXPECT_LT(watch.Seconds(), 20) << name;
  return media;
}

TEST(MediaLimits, AStatedLengthOfDaysCostsNothing) {
  const auto media = Decode(Wav(16000, 1, 0xfffffff0u));
  ASSERT_TRUE(media.status.ok()) << media.status.ToString();
  EXPECT_EQ(media.sample_count, kSampleRateHz);
}

TEST(MediaLimits, AbsurdSampleRates) {
  for (const uint32_t rate : {0u, 1u, 999u, 1'000'001u, 0x7fffffffu, 0xffffffffu}) {
    const Status status = Decode(Wav(rate, 1, 32000)).status;
    EXPECT_EQ(status.code(), StatusCode::kCorrupt) << rate << ": " << status.ToString();
  }
  for (const uint32_t rate : {1000u, 768'000u, 1'000'000u}) {
    EXPECT_TRUE(Decode(Wav(rate, 1, 32000)).status.ok()) << rate;
  }
}

TEST(MediaLimits, ManyChannels) {
  for (const uint16_t channels : {64, 65, 1000, 65535}) {
    MediaOptions options;
    options.split_channels = true;
    const Status status = Decode(Wav(16000, channels, 32000), "a.wav", options).status;
    EXPECT_EQ(status.ok(), channels <= 64) << status.ToString();
  }
}

TEST(MediaLimits, ManyTracks) {
  if (!test::HaveFfmpeg()) GTEST_SKIP() << "the ffmpeg command is not here";
  TemporaryFolder folder;
  std::string maps;
  for (int i = 0; i < 70; ++i) maps += " -map 0:a";
  ASSERT_TRUE(
      test::RunFfmpeg("-f lavfi -i sine=d=1:r=16000" + maps + " -c:a pcm_s16le " + (folder / "a.mkv")));
  MediaOptions options;
  EXPECT_TRUE(DecodeAll(folder / "a.mkv", options).status.ok());  // one of them
  options.track = -1;
  const Status status = DecodeAll(folder / "a.mkv", options).status;
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status.ToString();
  EXPECT_NE(status.ToString().find("70 audio tracks"), std::string::npos) << status.ToString();
  options.max_tracks = 70;
  EXPECT_EQ(DecodeAll(folder / "a.mkv", options).streams.size(), 70u);
}

TEST(MediaLimits, ADurationTagOfCenturies) {
  if (!test::HaveFfmpeg()) GTEST_SKIP() << "the ffmpeg command is not here";
  TemporaryFolder folder;
  ASSERT_TRUE(test::RunFfmpeg("-f lavfi -i sine=d=2:r=16000 -c:a pcm_s16le " + (folder / "a.mkv")));
  std::string bytes = ReadFile(folder / "a.mkv").value();
  const size_t tag = bytes.find("00:00:02.0");
  ASSERT_NE(tag, std::string::npos);
  bytes.replace(tag, 8, "99:99:99");
  const size_t duration = bytes.find("\x44\x89\x88");  // the segment's, as a double
  ASSERT_NE(duration, std::string::npos);
  for (const char* stated : {"\x7f\xe0\0\0\0\0\0\0", "\x7f\xf8\0\0\0\0\0\0", "\xc2\x6d\x1a\x94\xa2\0\0\0"}) {
    std::memcpy(&bytes[duration + 3], stated, 8);  // 9e307, no number, minus a trillion milliseconds
    const auto media = Decode(bytes, "a.mkv");
    ASSERT_TRUE(media.status.ok()) << media.status.ToString();
    EXPECT_EQ(media.sample_count, 2 * kSampleRateHz);
    EXPECT_TRUE(std::isfinite(media.info.duration_s) && media.info.duration_s >= 0);
  }
}

TEST(MediaLimits, StallTimeoutOutOfRange) {
  for (const double seconds : {-1.0, std::nan(""), 1e9}) {
    MediaOptions options;
    options.stall_timeout_s = seconds;
    EXPECT_EQ(Decode(Wav(16000, 1, 32000), "a.wav", options).status.code(), StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace skald
