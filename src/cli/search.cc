#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/stopwatch.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/keyword_queries.h"
#include "engine/keyword_index.h"
#include "scoring/keyword_list.h"

namespace skald::cli {
namespace {

namespace po = boost::program_options;

constexpr char kAbout[] =
    "Finds where QUERY may have been said, likeliest places first. A query is a word or a phrase\n"
    "(\"prime minister\"); * stands for any letters of a word, ? for one, * alone for any word; OR and NEAR "
    "(in\n"
    "capitals; NEAR/30: within 30 seconds) combine queries, parentheses group them:\n"
    "\"(colour OR color) blind*\", \"minister NEAR/30 resigned\". Upper and lower case are the same.";

std::string Clock(double seconds) {
  const int64_t tenths = std::llround(seconds * 10);
  return fmt::format("{}:{:02}:{:02}.{}", tenths / 36000, tenths / 600 % 60, tenths / 10 % 60, tenths % 10);
}

std::string FileStem(const std::string& path) { return std::filesystem::path(path).stem().string(); }

void PrintTable(const std::vector<KeywordSearchResult>& results) {
  for (const KeywordSearchResult& result : results) {
    if (result.hits.empty()) continue;
    std::printf("%s (%s): %llu hits, threshold %.3f\n", result.query.c_str(), result.kind.c_str(),
                static_cast<unsigned long long>(result.hit_count), result.threshold);
    std::printf("  score    play from      start  file: context\n");
    for (const KeywordHit& hit : result.hits) {
      std::string place = hit.file;
      if (hit.track > 0) place += fmt::format(" track {}", hit.track);
      if (hit.channel > 0) place += fmt::format(" channel {}", hit.channel);
      std::printf("  %.3f%c %10s %10s  %s: %s\n", hit.score, hit.decision ? '*' : ' ',
                  Clock(hit.play_s).c_str(), Clock(hit.start_s).c_str(), place.c_str(), hit.context.c_str());
    }
  }
}

double Rounded(double value) { return std::round(value * 1000) / 1000; }

void PrintJson(const std::vector<KeywordSearchResult>& results) {
  using Json = nlohmann::ordered_json;
  Json all = Json::array();
  for (const KeywordSearchResult& result : results) {
    Json hits = Json::array();
    for (const KeywordHit& hit : result.hits) {
      hits.push_back({{"file", ReplaceInvalidUtf8(hit.file)},
                      {"track", hit.track},
                      {"channel", hit.channel},
                      {"start", Rounded(hit.start_s)},
                      {"end", Rounded(hit.end_s)},
                      {"play", Rounded(hit.play_s)},
                      {"score", std::round(hit.score * 1e6) / 1e6},
                      {"decision", hit.decision},
                      {"context", ReplaceInvalidUtf8(hit.context)}});
    }
    Json entry = {{"query", ReplaceInvalidUtf8(result.query)},
                  {"kind", result.kind},
                  {"threshold", std::round(result.threshold * 1e6) / 1e6},
                  {"hits", hits}};
    if (!result.tried.empty()) entry["tried"] = result.tried;
    all.push_back(std::move(entry));
  }
  std::printf("%s\n", all.dump(1).c_str());
}

void PrintKwslist(const std::vector<KeywordSearchResult>& results, const std::vector<NamedQuery>& queries,
                  const std::vector<double>& seconds) {
  std::vector<DetectedKeyword> detected;
  for (size_t i = 0; i < results.size(); ++i) {
    DetectedKeyword keyword;
    keyword.id = queries[i].id;
    keyword.search_time_s = seconds[i];
    keyword.oov_count = results[i].kind == "oov" ? 1 : 0;
    for (const KeywordHit& hit : results[i].hits) {
      keyword.hits.push_back({FileStem(hit.file), std::to_string(hit.channel + 1), hit.start_s,
                              hit.end_s - hit.start_s, hit.normalized_score, hit.decision});
    }
    detected.push_back(std::move(keyword));
  }
  std::printf("%s", FormatKwslist(detected).c_str());
}

}  // namespace

int RunSearch(const Arguments& arguments) {
  const KeywordSearchOptions defaults;
  po::options_description options("Options", 110);
  options.add_options()(
      "threshold", po::value<double>(),
      "list hits of at least this score; 0 lists all that the index holds (default: 0.1, kwslist: 0)")(
      "limit", po::value<size_t>()->default_value(0), "list the best N hits of each query only (0: all)")(
      "oov", po::value<std::string>()->default_value("auto"),
      "words that no transcript holds: auto looks for what sounds alike, off does not")(
      "pronunciations", po::value<std::string>(),
      "what the recognizer knows, WORD<TAB>PHONES a line (default: those of the default model)")(
      "context", po::value<int>()->default_value(defaults.context_words), "words of context on each side")(
      "max-gap", po::value<double>()->default_value(defaults.max_gap_s),
      "longest silence between two words of a phrase in seconds")(
      "lead-in", po::value<double>()->default_value(defaults.lead_in_s),
      "seconds before a hit at which to start playback")("threads", po::value<int>()->default_value(0),
                                                         "threads (0: one per processor)")(
      "keywords", po::value<std::string>(),
      "file of words and phrases: ID<TAB>TEXT a line, or a NIST kwlist (.xml)")(
      "format", po::value<std::string>()->default_value("table"), "table, json or kwslist")(
      "timing", po::bool_switch(), "milliseconds of each query on standard error");
  const Parsed parsed = Parse(arguments, "skald search INDEX [OPTIONS] QUERY...", kAbout, options, "word");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  const po::variables_map& values = parsed.values;
  auto words = Texts(values, "word");
  const std::string format = values["format"].as<std::string>();
  const std::string oov = values["oov"].as<std::string>();
  if (words.empty() || (words.size() == 1 && values.count("keywords") == 0)) {
    return Report(Status::InvalidArgument("search needs INDEX and a QUERY or --keywords (see --help)"),
                  kBadUsage);
  }
  if (format != "table" && format != "json" && format != "kwslist") {
    return Report(Status::InvalidArgument("--format is table, json or kwslist, not '" + format + "'"),
                  kBadUsage);
  }
  if (oov != "auto" && oov != "off") {
    return Report(Status::InvalidArgument("--oov is auto or off, not '" + oov + "'"), kBadUsage);
  }
  KeywordSearchOptions search;
  search.min_score = values.count("threshold") != 0 ? values["threshold"].as<double>()
                     : format == "kwslist"          ? 0.0
                                                    : defaults.min_score;
  search.max_hits = values["limit"].as<size_t>();
  search.context_words = values["context"].as<int>();
  search.max_gap_s = values["max-gap"].as<double>();
  search.lead_in_s = values["lead-in"].as<double>();
  search.threads = values["threads"].as<int>();
  search.oov = oov == "off" ? OovSearch::kOff : OovSearch::kAuto;
  if (const Status status = search.Validate(); !status.ok()) return Report(status, kBadUsage);

  const std::string folder = words[0];
  words.erase(words.begin());
  const auto queries = Queries(values, words);
  if (!queries.ok()) return Report(queries.status(), kNothingDone);
  auto index = KeywordIndex::Open(folder);
  if (!index.ok()) return Report(index.status(), kNothingDone);
  if (const std::string path = Pronunciations(values); !path.empty()) index->SetPronunciations(path);

  std::vector<KeywordSearchResult> results;
  std::vector<double> seconds;
  for (const NamedQuery& query : *queries) {
    Stopwatch watch;
    auto result = index->Search(query.text, search);
    seconds.push_back(watch.Seconds());
    if (!result.ok()) {
      return Report(result.status(),
                    result.status().code() == StatusCode::kInvalidArgument ? kBadUsage : kNothingDone);
    }
    if (values["timing"].as<bool>()) {
      std::fprintf(stderr, "%.3f ms\t%s\t%llu hits\t%s\n", 1000 * seconds.back(), result->kind.c_str(),
                   static_cast<unsigned long long>(result->hit_count), query.text.c_str());
    }
    if (result->hits.empty() && format == "table") {
      std::fprintf(stderr, "skald: %s: nothing found; %s\n", query.text.c_str(), result->tried.c_str());
    }
    results.push_back(std::move(*result));
  }
  if (format == "table") PrintTable(results);
  if (format == "json") PrintJson(results);
  if (format == "kwslist") PrintKwslist(results, *queries, seconds);
  return kAllWell;
}

}  // namespace skald::cli
