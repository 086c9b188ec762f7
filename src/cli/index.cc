#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "base/stopwatch.h"
#include "cli/command.h"
#include "cli/input_list.h"
#include "cli/recognizer_arguments.h"
#include "engine/keyword_index.h"
#include "engine/keyword_indexer.h"

namespace skald::cli {
namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

constexpr char kAbout[] =
    "add INDEX INPUT...     transcribe media and put all that may have been said into the index; INDEX is a "
    "folder, made\n"
    "                       where it does not exist. Files that it holds unchanged are skipped, changed ones "
    "replaced.\n"
    "                       Searching goes on meanwhile; what was added is safe after each commit.\n"
    "info INDEX             segments, files, sizes\n"
    "merge INDEX            make one segment of all, without what was removed\n"
    "remove INDEX FILE...   make files unfindable\n"
    "absorb INDEX OTHER...  put what other indexes hold into this one, made where it does not exist\n"
    "replicate INDEX NEW    write an index of many copies of another, to measure how search scales";

int Add(const po::variables_map& values, const std::string& folder, const std::vector<std::string>& named) {
  auto recognizer_options = ReadRecognizerArguments(values);
  if (!recognizer_options.ok()) return Report(recognizer_options.status(), kBadUsage);
  recognizer_options->decoding = Decoding::kGraph;  // the index is made of lattices
  const auto media = ReadMediaArguments(values);
  if (!media.ok()) return Report(media.status(), kBadUsage);
  const auto style = ParseProgressStyle(values["progress"].as<std::string>());
  if (!style.ok()) return Report(style.status(), kBadUsage);
  KeywordIndexerOptions options;
  options.posterior_floor = values["posterior-floor"].as<double>();
  options.posterior_scale = values["posterior-scale"].as<double>();
  options.commit_every_s = values["commit-every"].as<double>();
  if (const Status status = options.Validate(); !status.ok()) return Report(status, kBadUsage);
  const auto inputs = ExpandInputs(named);
  if (!inputs.ok()) return Report(inputs.status(), kNothingDone);
  if (inputs->empty()) return Report(Status::NotFound("no media files found in the inputs"), kNothingDone);

  ProgressBar bar(*style);
  auto recognizer = MakeRecognizer(*recognizer_options, &bar);
  if (!recognizer.ok()) return Report(recognizer.status(), kNothingDone);
  auto indexer = KeywordIndexer::Open(folder, (*recognizer)->graph(), options);
  if (!indexer.ok()) return Report(indexer.status(), kNothingDone);

  std::vector<std::string> paths;
  for (const Input& input : *inputs) {
    const auto known = indexer->IsUpToDate(input.path);
    if (!known.ok()) return Report(known.status(), kNothingDone);
    if (!*known) paths.push_back(input.path);
  }
  Stopwatch watch;
  size_t failed = 0;
  double audio_s = 0;
  Status index_status;
  const auto sink = [&](FileResult result) {
    if (!result.status.ok()) {
      ++failed;
      bar.Clear();
      Report(result.status, kSomeFailed);
    }
    for (const Transcript& transcript : result.transcripts) audio_s += transcript.source.duration_s;
    const Status status = indexer->AddFile(result);
    if (index_status.ok()) index_status = status;
  };
  const auto progress = [&](const PipelineProgress& now) {
    bar.Update(static_cast<double>(now.files_done) / static_cast<double>(now.files),
               fmt::format("{} of {} files, {:.0f} s of audio, {:.0f} x real time", now.files_done, now.files,
                           now.audio_s, now.audio_s / watch.Seconds()));
  };
  (*recognizer)->TranscribeFiles(paths, *media, sink, progress, indexer->lattice_sink());
  if (index_status.ok()) index_status = indexer->Finish();
  bar.Clear();
  if (!index_status.ok()) return Report(index_status, kNothingDone);
  std::printf("%lld files added (%.1f h of audio), %zu unchanged, %zu failed\n",
              static_cast<long long>(indexer->files_added()), audio_s / 3600, inputs->size() - paths.size(),
              failed);
  if (indexer->files_added() > 0 && indexer->processor_s() > 0) {
    std::printf("indexing took %.2f s of processor time beyond recognition, %.0f x real time\n",
                indexer->processor_s(), audio_s / indexer->processor_s());
  }
  return failed == 0 ? kAllWell : kSomeFailed;
}

int Info(const po::variables_map& values, const std::string& folder) {
  auto index = KeywordIndex::Open(folder);
  if (!index.ok()) return Report(index.status(), kNothingDone);
  const auto info = index->Info();
  if (!info.ok()) return Report(info.status(), kNothingDone);
  if (values["verify"].as<bool>()) {
    if (const Status status = KeywordIndex::Verify(folder); !status.ok()) return Report(status, kNothingDone);
  }
  if (values["files"].as<bool>()) {
    const auto files = index->Files();
    if (!files.ok()) return Report(files.status(), kNothingDone);
    for (const std::string& file : *files) {
      std::error_code error;
      std::printf("%s%s\n", file.c_str(), fs::exists(file, error) ? "" : "\tmissing");
    }
    return kAllWell;
  }
  const double hours = info->audio_s / 3600;
  std::printf("files            %lld (%.2f h of audio), %lld removed but not merged away\n",
              static_cast<long long>(info->files), hours, static_cast<long long>(info->removed_files));
  std::printf("size             %.2f MB", static_cast<double>(info->bytes) / 1e6);
  if (hours > 0) std::printf(", %.3f MB per hour of audio", static_cast<double>(info->bytes) / 1e6 / hours);
  std::printf("\n%-16s %8s %11s %9s %10s %10s %10s %8s\n", "segment", "files", "utterances", "terms", "arcs",
              "hours", "MB", "floor");
  for (const KeywordIndexInfo::Segment& segment : info->segments) {
    std::printf("%-16s %8lld %11lld %9lld %10lld %10.2f %10.2f %8.2g\n", segment.name.c_str(),
                static_cast<long long>(segment.files), static_cast<long long>(segment.utterances),
                static_cast<long long>(segment.terms), static_cast<long long>(segment.arcs),
                segment.audio_s / 3600, static_cast<double>(segment.bytes) / 1e6, segment.floor);
  }
  return kAllWell;
}

int Remove(const po::variables_map& values, const std::string& folder, std::vector<std::string> paths) {
  if (values["missing"].as<bool>()) {
    auto index = KeywordIndex::Open(folder);
    if (!index.ok()) return Report(index.status(), kNothingDone);
    const auto files = index->Files();
    if (!files.ok()) return Report(files.status(), kNothingDone);
    for (const std::string& file : *files) {
      std::error_code error;
      if (!fs::exists(file, error) && !error) paths.push_back(file);
    }
  }
  const auto removed = KeywordIndex::Remove(folder, paths);
  if (!removed.ok()) return Report(removed.status(), kNothingDone);
  std::printf("%lld files removed\n", static_cast<long long>(*removed));
  if (*removed == static_cast<int64_t>(paths.size())) return kAllWell;
  return Report(Status::NotFound(fmt::format("{} of {} files were not in the index",
                                             static_cast<int64_t>(paths.size()) - *removed, paths.size()))
                    .InFile(folder),
                kSomeFailed);
}

int Merge(const std::string& folder) {
  const auto merged = KeywordIndex::Merge(folder);
  if (!merged.ok()) return Report(merged.status(), kNothingDone);
  std::printf("%lld segments merged\n", static_cast<long long>(*merged));
  return kAllWell;
}

int Absorb(const std::string& folder, const std::vector<std::string>& others) {
  int64_t files = 0;
  for (const std::string& other : others) {
    const auto absorbed = KeywordIndex::Absorb(folder, other);
    if (!absorbed.ok()) return Report(absorbed.status(), kNothingDone);
    files += *absorbed;
  }
  std::printf("%lld files absorbed\n", static_cast<long long>(files));
  return kAllWell;
}

int Replicate(const po::variables_map& values, const std::string& folder, const std::string& to) {
  const int copies = values["copies"].as<int>();
  if (copies < 1) return Report(Status::InvalidArgument("--copies must be at least 1"), kBadUsage);
  const Status status = KeywordIndex::Replicate(folder, to, copies);
  return status.ok() ? kAllWell : Report(status, kNothingDone);
}

po::options_description Options() {
  const KeywordIndexerOptions defaults;
  po::options_description options("", 110);
  options.add(RecognizerArguments()).add(MediaArguments());
  po::options_description own("Index", 110);
  own.add_options()(
      "posterior-floor", po::value<double>()->default_value(defaults.posterior_floor),
      "add: words less probable than this are left out; smaller finds more and takes more room")(
      "posterior-scale", po::value<double>()->default_value(defaults.posterior_scale),
      "add: factor on costs before they become probabilities")(
      "commit-every", po::value<double>()->default_value(defaults.commit_every_s),
      "add: seconds after which what was added is committed")(
      "files", po::bool_switch(), "info: list the files")("verify", po::bool_switch(),
                                                          "info: read and check every byte")(
      "missing", po::bool_switch(), "remove: also all files whose media no longer exist")(
      "copies", po::value<int>()->default_value(10), "replicate: how many copies")(
      "progress", po::value<std::string>()->default_value("auto"), "add: auto, none, bar or json");
  options.add(own);
  return options;
}

}  // namespace

int RunIndex(const Arguments& arguments) {
  const Parsed parsed =
      Parse(arguments, "skald index add|info|merge|absorb|remove|replicate INDEX [OPTIONS] [FILE...]", kAbout,
            Options(), "word");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  auto words = Texts(parsed.values, "word");
  const std::string action = words.empty() ? "" : words[0];
  if (words.size() >= 2) {
    const std::string folder = words[1];
    words.erase(words.begin(), words.begin() + 2);
    if (action == "add" && !words.empty()) return Add(parsed.values, folder, words);
    if (action == "info" && words.empty()) return Info(parsed.values, folder);
    if (action == "absorb" && !words.empty()) return Absorb(folder, words);
    if (action == "merge" && words.empty()) return Merge(folder);
    if (action == "replicate" && words.size() == 1) return Replicate(parsed.values, folder, words[0]);
    if (action == "remove" && (!words.empty() || parsed.values["missing"].as<bool>())) {
      return Remove(parsed.values, folder, words);
    }
  }
  return Report(Status::InvalidArgument("index needs add INDEX INPUT..., info INDEX, merge INDEX, absorb "
                                        "INDEX OTHER... or remove INDEX FILE... "
                                        "(see --help)"),
                kBadUsage);
}

}  // namespace skald::cli
