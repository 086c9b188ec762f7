#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>

#include "frontend/media/media_test_files.h"
#include "support/test_environment.h"

namespace skald {
namespace {

// Every file of a collection made to be odd opens or fails with one line, and what ffmpeg decodes is not
// refused.
TEST(MediaSharedFiles, OpenOrFailCleanlyAndAgreeWithFfmpeg) {
  SKALD_SHARED_OR_SKIP(folder, "media");
  int decoded = 0, failed = 0;
  MediaOptions options;
  options.split_channels = true;
  options.stall_timeout_s = 3;  // live playlists, of which there are many, give nothing for ever
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string path = entry.path().string();
    SCOPED_TRACE(path);
    const auto media = test::DecodeAll(path, options);
    if (media.status.ok()) {
      ++decoded;
      continue;
    }
    ++failed;
    EXPECT_EQ(media.status.file(), path);
    EXPECT_EQ(media.status.ToString().find('\n'), std::string::npos);
    // DASH manifests are refused on purpose; ffmpeg waits for ever at live ones and at live playlists.
    const bool is_playlist = path.ends_with(".mpd") || path.find("/mpd/") != std::string::npos ||
                             path.find("/m3u8/") != std::string::npos;
    if (test::HaveFfmpeg() && !is_playlist) {
      EXPECT_FALSE(test::RunFfmpeg("-protocol_whitelist file,pipe -t 60 -i '" + path +
                                   "' -map 0:a:0 -f null - -xerror"))
          << "ffmpeg decodes what was refused: " << media.status.ToString();
    }
  }
  RecordProperty("decoded", decoded);
  RecordProperty("failed", failed);
  EXPECT_GT(decoded, 100);
}

}  // namespace
}  // namespace skald
