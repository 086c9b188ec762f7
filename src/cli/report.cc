#include "report/report.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/keyword_queries.h"
#include "engine/keyword_index.h"
#include "report/nbest_alternatives.h"
#include "report/search_results.h"
#include "scoring/transcript_formats.h"

namespace skald::cli {
namespace {

namespace po = boost::program_options;
namespace fs = std::filesystem;

constexpr char kAbout[] =
    "Makes one HTML page of JSON transcripts, to be looked at in a browser: the transcript follows the "
    "player, words\n"
    "are shaded by confidence and show their alternatives, search and keyword hits lead to the place. The "
    "page needs\n"
    "no network. A TRANSCRIPT is a file as of transcribe --format json (--alternatives 5 for alternatives), "
    "or a folder\n"
    "of such files.";

/// Weight of the costs of n-best lists, as DescriptionOptions::mbr_scale has it for lattices.
constexpr double kNbestScale = 0.5;

po::options_description Options() {
  po::options_description options("Report", 110);
  options.add_options()("title", po::value<std::string>(),
                        "title of the page (default: the recording's name)")(
      "media", po::value<std::string>()->default_value("link"),
      "link: the page plays the media files from where they lie; embed: it contains them; none: no player")(
      "media-folder", po::value<std::vector<std::string>>()->composing(),
      "where media files are looked for by name that are not where the transcript says")(
      "hits", po::value<std::vector<std::string>>()->composing(),
      "keyword hits: what skald search --format json printed")(
      "index", po::value<std::string>(), "keyword index that --query and --keywords are searched in")(
      "query", po::value<std::vector<std::string>>()->composing(),
      "a query as of skald search; may be repeated")(
      "keywords", po::value<std::string>(), "keyword list to search: ID<TAB>TEXT lines or NIST's kwlist");
  return options;
}

/// The transcripts that are named, those of folders in the order of their names.
StatusOr<std::vector<std::string>> TranscriptPaths(const std::vector<std::string>& named) {
  std::vector<std::string> paths;
  for (const std::string& path : named) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      paths.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (fs::recursive_directory_iterator entry(path, error), end; !error && entry != end;
         entry.increment(error)) {
      if (entry->path().extension() == ".json") found.push_back(entry->path().string());
    }
    if (error) return Status::Io(error.message()).InFile(path);
    if (found.empty()) return Status::NotFound("the folder holds no .json transcripts").InFile(path);
    std::sort(found.begin(), found.end());
    paths.insert(paths.end(), found.begin(), found.end());
  }
  return paths;
}

/// Where the media file is: as the transcript says, or by its name in one of the folders; empty where it is
/// not.
std::string FindMedia(const std::string& path, const std::vector<std::string>& folders) {
  std::vector<fs::path> places = {path};
  for (const std::string& folder : folders) places.push_back(fs::path(folder) / fs::path(path).filename());
  for (const fs::path& place : places) {
    std::error_code error;
    if (fs::is_regular_file(place, error)) return place.string();
  }
  return "";
}

StatusOr<std::vector<KeywordSearchResult>> Search(const po::variables_map& values) {
  std::vector<KeywordSearchResult> results;
  for (const std::string& path : Texts(values, "hits")) {
    SKALD_ASSIGN_OR_RETURN(const std::vector<KeywordSearchResult> found, ReadSearchResults(path));
    results.insert(results.end(), found.begin(), found.end());
  }
  if (values.count("index") == 0) return results;
  SKALD_ASSIGN_OR_RETURN(const std::vector<NamedQuery> queries, Queries(values, Texts(values, "query")));
  SKALD_ASSIGN_OR_RETURN(KeywordIndex index, KeywordIndex::Open(values["index"].as<std::string>()));
  if (const std::string path = Pronunciations(values); !path.empty()) index.SetPronunciations(path);
  for (const NamedQuery& query : queries) {
    SKALD_ASSIGN_OR_RETURN(KeywordSearchResult result, index.Search(query.text));
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace

int RunReport(const Arguments& arguments) {
  const Parsed parsed =
      Parse(arguments, "skald report [OPTIONS] OUT.html TRANSCRIPT...", kAbout, Options(), "path");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  const po::variables_map& values = parsed.values;
  std::vector<std::string> named = Texts(values, "path");
  if (named.size() < 2) {
    return Report(Status::InvalidArgument("report needs OUT.html and a TRANSCRIPT (see --help)"), kBadUsage);
  }
  const std::string out = named[0];
  if (!out.ends_with(".html") && !out.ends_with(".htm")) {
    return Report(Status::InvalidArgument("the report's name must end with .html, not '" + out + "'"),
                  kBadUsage);
  }
  named.erase(named.begin());
  const std::string media = values["media"].as<std::string>();
  if (media != "link" && media != "embed" && media != "none") {
    return Report(Status::InvalidArgument("--media is link, embed or none, not '" + media + "'"), kBadUsage);
  }
  if ((values.count("query") != 0 || values.count("keywords") != 0) != (values.count("index") != 0)) {
    return Report(Status::InvalidArgument("--query or --keywords and --index belong together"), kBadUsage);
  }

  skald::Report report;
  report.media = media == "embed" ? ReportMedia::kEmbed : ReportMedia::kLink;
  const auto paths = TranscriptPaths(named);
  if (!paths.ok()) return Report(paths.status(), kNothingDone);
  bool failed = false;
  for (const std::string& path : *paths) {
    auto transcript = ReadJsonTranscript(path);
    Status status = transcript.status();
    for (size_t i = 0; status.ok() && i < transcript->segments.size(); ++i) {
      status = AddNbestAlternatives(kNbestScale, &transcript->segments[i]);
    }
    if (!status.ok()) {
      failed = true;
      Report(std::move(status).InFile(path), kSomeFailed);
      continue;
    }
    ReportRecording recording{*std::move(transcript), ""};
    if (media != "none") {
      recording.media_path = FindMedia(recording.transcript.source.path, Texts(values, "media-folder"));
      if (recording.media_path.empty()) {
        std::fprintf(stderr, "skald: %s: no media file there: no player for it (--media-folder)\n",
                     recording.transcript.source.path.c_str());
      }
    }
    report.recordings.push_back(std::move(recording));
  }
  if (report.recordings.empty()) return kNothingDone;
  report.title = fs::path(report.recordings[0].transcript.source.path).filename().string();
  if (report.recordings.size() > 1) report.title = "Transcripts";
  if (values.count("title") != 0) report.title = values["title"].as<std::string>();
  auto searches = Search(values);
  if (!searches.ok()) {
    return Report(searches.status(),
                  searches.status().code() == StatusCode::kInvalidArgument ? kBadUsage : kNothingDone);
  }
  report.searches = *std::move(searches);
  if (const Status status = WriteReport(report, out); !status.ok()) return Report(status, kNothingDone);
  return failed ? kSomeFailed : kAllWell;
}

}  // namespace skald::cli
