extern "C" {
#include <libavformat/avformat.h>
}

#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>

#include "frontend/media/media_test_files.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

/// What became of a file.
struct Outcome {
  std::string kind;  ///< "decoded", "decoded with warnings", or the name of the error
  int streams = 0;   ///< tracks times channels that gave samples
  double seconds = 0;
  std::string detail;  ///< the first warning and how many more, or the error's reason
};

Outcome OutcomeOf(const test::DecodedMedia& media, const std::string& folder) {
  if (!media.status.ok()) {
    std::string reason = media.status.reason();
    for (size_t at = 0; (at = reason.find(folder)) != std::string::npos;) reason.erase(at, folder.size() + 1);
    return {StatusCodeName(media.status.code()), 0, 0, reason};
  }
  const size_t warnings = media.warnings.size();
  std::string detail = warnings == 0 ? "" : media.warnings[0].what;
  if (warnings > 1) detail += fmt::format("; {} more", warnings - 1);
  return {warnings == 0 ? "decoded" : "decoded with warnings", static_cast<int>(media.streams.size()),
          static_cast<double>(media.sample_count) / kSampleRateHz, detail};
}

constexpr char kTable[] = "tests/frontend/media/media_outcomes.tsv";

/// The table names the FFmpeg that it was made with: another one words its reasons in another way.
std::string TableHeader() {
  return fmt::format("file\toutcome\tstreams\tseconds\tdetail (libavformat {})",
                     AV_VERSION_MAJOR(avformat_version()));
}

struct Table {
  std::string header;
  std::map<std::string, Outcome> rows;
};

Table ReadTable() {
  Table table;
  std::ifstream file(test::ProjectPath(kTable));
  std::getline(file, table.header);
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string name, streams, seconds;
    Outcome row;
    std::getline(fields, name, '\t');
    std::getline(fields, row.kind, '\t');
    std::getline(fields, streams, '\t');
    std::getline(fields, seconds, '\t');
    std::getline(fields, row.detail, '\t');
    row.streams = std::stoi(streams);
    row.seconds = std::stod(seconds);
    table.rows.emplace(name, row);
  }
  return table;
}

void WriteTable(const std::map<std::string, Outcome>& rows) {
  std::ofstream file(test::ProjectPath(kTable));
  file << TableHeader() << '\n';
  for (const auto& [name, row] : rows) {
    file << fmt::format("{}\t{}\t{}\t{:.2f}\t{}\n", name, row.kind, row.streams, row.seconds, row.detail);
  }
}

/// DASH manifests are refused on purpose; ffmpeg waits for ever at live ones and at live playlists.
bool IsPlaylist(const std::string& path) {
  return path.ends_with(".mpd") || path.find("/mpd/") != std::string::npos ||
         path.find("/m3u8/") != std::string::npos;
}

// Every file of a collection made to be odd opens or fails with one line, as the table says, and what ffmpeg
// decodes is not refused. SKALD_UPDATE_GOLDEN=1 writes the table anew.
TEST(MediaSharedFiles, HaveTheOutcomesOfTheTableAndAgreeWithFfmpeg) {
  SKALD_SHARED_OR_SKIP(folder, "media");
  MediaOptions options;
  options.split_channels = true;
  options.stall_timeout_s = 3;  // live playlists, of which there are many, give nothing for ever
  const Table expected = ReadTable();
  const bool same_ffmpeg = expected.header == TableHeader();
  std::map<std::string, Outcome> outcomes;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string path = entry.path().string();
    const std::string name = path.substr(folder.size() + 1);
    SCOPED_TRACE(path);
    const auto media = test::DecodeAll(path, options);
    const Outcome outcome = OutcomeOf(media, folder);
    outcomes.emplace(name, outcome);
    if (const auto row = expected.rows.find(name); row != expected.rows.end()) {
      EXPECT_EQ(outcome.kind, row->second.kind) << outcome.detail;
      EXPECT_EQ(outcome.streams, row->second.streams);
      EXPECT_NEAR(outcome.seconds, row->second.seconds, test::kDecodedDurationS);
      if (same_ffmpeg) {
        EXPECT_EQ(outcome.detail, row->second.detail);
      }
    } else {
      ADD_FAILURE() << "not in the table";
    }
    if (media.status.ok()) continue;
    EXPECT_EQ(media.status.file(), path);
    EXPECT_EQ(media.status.ToString().find('\n'), std::string::npos);
    if (test::HaveFfmpeg() && !IsPlaylist(path)) {
      EXPECT_FALSE(test::RunFfmpeg("-protocol_whitelist file,pipe -t 60 -i '" + path +
                                   "' -map 0:a:0 -f null - -xerror"))
          << "ffmpeg decodes what was refused: " << media.status.ToString();
    }
  }
  for (const auto& [name, row] : expected.rows) EXPECT_TRUE(outcomes.contains(name)) << name << " is missing";
  if (const char* update = std::getenv("SKALD_UPDATE_GOLDEN"); update != nullptr) WriteTable(outcomes);
}

}  // namespace
}  // namespace skald
