#include "frontend/media/input_guard.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>

#include "base/file.h"
#include "base/stopwatch.h"
#include "frontend/media/media_test_files.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using test::DecodeAll;
using test::TemporaryFolder;

MediaOptions Impatient() {
  MediaOptions options;
  options.stall_timeout_s = 0.5;
  return options;
}

/// Writes `bytes` into a named pipe once it is read, keeps it open for `open_s` and closes it.
std::thread Writer(const std::string& path, std::string bytes, double open_s) {
  return std::thread([=] {
    const int descriptor = ::open(path.c_str(), O_WRONLY);
    ASSERT_GE(descriptor, 0);
    for (size_t done = 0; done < bytes.size();) {
      const ssize_t count = ::write(descriptor, bytes.data() + done, bytes.size() - done);
      if (count <= 0) break;
      done += static_cast<size_t>(count);
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(open_s));
    ::close(descriptor);
  });
}

std::string WavBytes(const TemporaryFolder& folder, double seconds) {
  test::WriteWav(folder / "source.wav", 16000, 1, test::Click(16000, seconds, seconds / 2));
  return ReadFile(folder / "source.wav").value();
}

TEST(InputGuard, APipeThatNobodyWritesToIsGivenUp) {
  TemporaryFolder folder;
  const std::string path = folder / "pipe.wav";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const Stopwatch watch;
  const Status status = DecodeAll(path, Impatient()).status;
  EXPECT_LT(watch.Seconds(), 10);
  EXPECT_EQ(status.code(), StatusCode::kIo);
  EXPECT_EQ(status.file(), path);
  EXPECT_NE(status.ToString().find("nothing came for 0.5 s"), std::string::npos) << status.ToString();
}

TEST(InputGuard, APipeIsReadToItsEnd) {
  TemporaryFolder folder;
  const std::string path = folder / "pipe.wav";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread writer = Writer(path, WavBytes(folder, 30), 0);
  MediaOptions patient;
  patient.stall_timeout_s = 0;
  const auto media = DecodeAll(path, patient);
  writer.join();
  ASSERT_TRUE(media.status.ok()) << media.status.ToString();
  EXPECT_EQ(media.sample_count, 30 * kSampleRateHz);
  EXPECT_TRUE(media.warnings.empty());
}

TEST(InputGuard, WhatAPipeGaveBeforeItStalledIsKept) {
  TemporaryFolder folder;
  const std::string path = folder / "pipe.wav";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::string bytes = WavBytes(folder, 20);
  std::thread writer = Writer(path, bytes.substr(0, bytes.size() / 2), 3);
  const auto media = DecodeAll(path, Impatient());
  writer.join();
  ASSERT_TRUE(media.status.ok()) << media.status.ToString();
  EXPECT_NEAR(static_cast<double>(media.sample_count), 10.0 * kSampleRateHz, kSampleRateHz);
  ASSERT_FALSE(media.warnings.empty());
  EXPECT_NE(media.warnings.back().what.find("nothing came for 0.5 s"), std::string::npos)
      << media.warnings.back().what;
}

/// A playlist in a folder of its own, beside a folder that is none of its business.
class References : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!test::HaveFfmpeg()) GTEST_SKIP() << "the ffmpeg command is not here";
    std::filesystem::create_directories(root_ / "own/sub");
    std::filesystem::create_directories(root_ / "other");
    ASSERT_TRUE(test::RunFfmpeg("-f lavfi -i sine=f=500:d=3 -c:a aac " + (root_ / "other/secret.ts")));
    std::filesystem::copy_file(root_ / "other/secret.ts", root_ / "own/sub/part.ts");
  }

  test::DecodedMedia Decode(const std::string& name, const std::string& text, bool allow_all = false) {
    EXPECT_TRUE(WriteFileAtomically(root_ / ("own/" + name), text).ok());
    MediaOptions options;
    options.allow_network = allow_all;
    return DecodeAll(root_ / ("own/" + name), options);
  }

  static std::string Hls(const std::string& target) {
    return "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n" + target + "\n#EXT-X-ENDLIST\n";
  }

  void ExpectRefused(const test::DecodedMedia& media, const std::string& target) {
    EXPECT_FALSE(media.status.ok()) << target;
    EXPECT_EQ(media.sample_count, 0) << target;
    EXPECT_EQ(media.status.ToString().find('\n'), std::string::npos);
  }

  TemporaryFolder root_;
};

TEST_F(References, APlaylistReachesFilesBelowItsFolder) {
  const auto media = Decode("a.m3u8", Hls("sub/part.ts"));
  ASSERT_TRUE(media.status.ok()) << media.status.ToString();
  EXPECT_NEAR(static_cast<double>(media.sample_count) / kSampleRateHz, 3, 0.2);
}

TEST_F(References, APlaylistReachesNothingElse) {
  std::filesystem::create_symlink(root_ / "other/secret.ts", root_ / "own/link.ts");
  for (const std::string& target :
       {root_ / "other/secret.ts", "file:" + (root_ / "other/secret.ts"), std::string("../other/secret.ts"),
        std::string("sub/../../other/secret.ts"), std::string("link.ts"),
        std::string("http://127.0.0.1:1/secret.ts"), "concat:" + (root_ / "other/secret.ts"),
        "subfile,,start,0,end,0,,:" + (root_ / "other/secret.ts"), std::string("/dev/zero")}) {
    ExpectRefused(Decode("a.m3u8", Hls(target)), target);
  }
  const auto refused = Decode("a.m3u8", Hls("../other/secret.ts"));
  EXPECT_NE(refused.status.ToString().find("secret.ts, which only network input may"), std::string::npos)
      << refused.status.ToString();
  const auto allowed = Decode("a.m3u8", Hls("../other/secret.ts"), true);
  EXPECT_TRUE(allowed.status.ok()) << allowed.status.ToString();
  EXPECT_GT(allowed.sample_count, 2 * kSampleRateHz);
}

TEST_F(References, AConcatScriptReachesNothingElse) {
  for (const std::string& target :
       {root_ / "other/secret.ts", "file:" + (root_ / "other/secret.ts"), std::string("../other/secret.ts"),
        std::string("http://127.0.0.1:1/secret.ts")}) {
    ExpectRefused(Decode("a.ffconcat", "ffconcat version 1.0\nfile '" + target + "'\n"), target);
  }
}

TEST_F(References, MasterPlaylistsAndKeysReachNothingElse) {
  const std::string secret = root_ / "other/secret.ts";
  ASSERT_TRUE(WriteFileAtomically(root_ / "other/b.m3u8", Hls("secret.ts")).ok());
  ExpectRefused(Decode("a.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n../other/b.m3u8\n"), "master");
  ExpectRefused(Decode("a.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXT-X-KEY:METHOD=AES-128,URI=\"" +
                                     secret + "\"\n#EXTINF:3,\nsub/part.ts\n#EXT-X-ENDLIST\n"),
                "key");
}

}  // namespace
}  // namespace skald
