#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/stopwatch.h"
#include "frontend/media/media_test_files.h"
#include "support/test_environment.h"

namespace skald {
namespace {

/// No variant may take longer [s]; stalls end earlier.
constexpr double kMostSeconds = 30;
/// Larger files would make the test slow without making it better.
constexpr size_t kLargestFile = size_t{4} << 20;

/// SKALD_DAMAGE_VARIANTS: how many files to damage; few where nothing is said.
int WantedVariants() {
  const char* wanted = std::getenv("SKALD_DAMAGE_VARIANTS");
  return wanted == nullptr ? 60 : std::max(1, std::atoi(wanted));
}

/// Files to damage: the samples of the project, made smaller and in other containers, and the shared
/// collection where it is there.
std::vector<std::string> Sources(const test::TemporaryFolder& folder) {
  std::vector<std::string> paths;
  if (test::HaveFfmpeg()) {
    const std::string sample = test::ProjectPath("corpora/samples/jfk.mp4");
    for (const std::string arguments :
         {"-vn -c:a aac a.m4a", "-vn -c:a aac -movflags frag_keyframe+empty_moov b.mp4",
          "-vn -c:a libopus c.ogg", "-vn -c:a libmp3lame d.mp3", "-vn -c:a flac e.mkv",
          "-vn -c:a pcm_s16le f.wav", "-vn -c:a aac g.ts", "-vn -c:a flac h.flac",
          "-vn -c:a adpcm_ima_wav i.wav"}) {
      const size_t name = arguments.rfind(' ') + 1;
      const std::string path = folder / arguments.substr(name);
      if (test::RunFfmpeg("-i '" + sample + "' -t 6 " + arguments.substr(0, name) + "'" + path + "'")) {
        paths.push_back(path);
      }
    }
  }
  paths.push_back(test::ProjectPath("corpora/samples/jfk.mp4"));
  if (const std::string shared = test::SharedPath("media"); !shared.empty()) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(shared)) {
      if (entry.is_regular_file() && entry.file_size() < kLargestFile) paths.push_back(entry.path().string());
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// One of: cut short, bits flipped, bytes overwritten, a piece taken out, the end of another file spliced in.
std::string Damage(std::string bytes, const std::string& other, std::mt19937_64* random, std::string* what) {
  const auto below = [random](size_t limit) {
    return limit == 0 ? 0 : static_cast<size_t>((*random)() % limit);
  };
  switch (below(5)) {
    case 0:
      *what = "truncated";
      return bytes.substr(0, below(bytes.size()));
    case 1: {
      *what = "bits flipped";
      const size_t flips = 1 + below(64);
      // As often as not in the first bytes, where headers are.
      const size_t reach = below(2) == 0 ? std::min<size_t>(bytes.size(), 512) : bytes.size();
      for (size_t i = 0; i < flips && reach > 0; ++i) bytes[below(reach)] ^= static_cast<char>(1 << below(8));
      return bytes;
    }
    case 2: {
      *what = "overwritten";
      const size_t begin = below(bytes.size()), count = below(std::min<size_t>(4096, bytes.size() - begin));
      for (size_t i = 0; i < count; ++i) bytes[begin + i] = static_cast<char>(below(256));
      return bytes;
    }
    case 3: {
      *what = "cut out of";
      const size_t begin = below(bytes.size());
      return bytes.erase(begin, below(bytes.size() - begin));
    }
    default:
      *what = "spliced";
      return bytes.substr(0, below(bytes.size())) + other.substr(below(other.size()));
  }
}

TEST(MediaDamage, EveryVariantEndsInAudioWarningsOrANamedError) {
  test::TemporaryFolder folder;
  const std::vector<std::string> sources = Sources(folder);
  std::mt19937_64 random(test::PropertySeed());
  int with_audio = 0, with_warnings = 0, failed = 0;
  double slowest_s = 0;
  for (int i = 0; i < WantedVariants(); ++i) {
    const std::string& source = sources[random() % sources.size()];
    const std::string& other = sources[random() % sources.size()];
    std::string what;
    const std::string bytes = Damage(ReadFile(source).value(), ReadFile(other).value(), &random, &what);
    const std::string path = folder / ("damaged" + std::filesystem::path(source).extension().string());
    ASSERT_TRUE(WriteFileAtomically(path, bytes).ok());
    SCOPED_TRACE("variant " + std::to_string(i) + ": " + source + " " + what + ", other " + other);
    MediaOptions options;
    options.track = -1;
    options.split_channels = random() % 2 == 0;
    options.stall_timeout_s = 5;
    const Stopwatch watch;
    const auto media = test::DecodeAll(path, options);
    slowest_s = std::max(slowest_s, watch.Seconds());
    EXPECT_LT(watch.Seconds(), kMostSeconds);
    if (media.status.ok()) {
      ++(media.warnings.empty() ? with_audio : with_warnings);
      continue;
    }
    ++failed;
    EXPECT_EQ(media.status.file(), path);
    EXPECT_GT(media.status.reason().size(), 5u);
    EXPECT_EQ(media.status.ToString().find('\n'), std::string::npos);
  }
  std::printf("%d with audio, %d with warnings, %d errors; the slowest took %.2f s\n", with_audio,
              with_warnings, failed, slowest_s);
  EXPECT_GT(with_audio + with_warnings, 0);
  EXPECT_GT(failed, 0);
}

}  // namespace
}  // namespace skald
