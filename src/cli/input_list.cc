#include "cli/input_list.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/file.h"

namespace skald::cli {
namespace {

namespace fs = std::filesystem;

const std::set<std::string>& MediaEndings() {
  static const std::set<std::string> endings = {
      ".3gp",  ".aac",  ".ac3", ".aif",  ".aiff", ".amr",  ".ape", ".asf", ".au",   ".avi", ".caf", ".dts",
      ".eac3", ".flac", ".flv", ".m2ts", ".m4a",  ".m4b",  ".m4v", ".mka", ".mkv",  ".mov", ".mp2", ".mp3",
      ".mp4",  ".mpeg", ".mpg", ".mts",  ".mxf",  ".oga",  ".ogg", ".ogv", ".opus", ".ra",  ".sph", ".spx",
      ".ts",   ".tta",  ".vob", ".w64",  ".wav",  ".webm", ".wma", ".wmv", ".wv"};
  return endings;
}

std::string LowerEnding(const fs::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return ending;
}

/// The path with everything dropped that could lead out of a folder, or to the journal in it.
fs::path Contained(const fs::path& path) {
  fs::path contained;
  for (const fs::path& part : path.relative_path()) {
    if (part != ".." && part != "." && part != ".skald" && !part.empty()) contained /= part;
  }
  return contained.empty() ? fs::path("input") : contained;
}

/// The same without its ending, which is dropped first: of "..." that leaves "..".
std::string ContainedStem(fs::path path) { return Contained(path.replace_extension()).string(); }

struct Found {
  std::string path;
  fs::path below;  // path of the outputs, ending kept
};

Status AddFolder(const std::string& folder, std::vector<Found>* found) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, error), end;
       !error && it != end; it.increment(error)) {
    if (it->is_regular_file(error) && MediaEndings().count(LowerEnding(it->path())) != 0)
      files.push_back(it->path());
  }
  if (error) return Status::Io(error.message()).InFile(folder);
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) found->push_back({file.string(), file.lexically_relative(folder)});
  return Status::Ok();
}

Status AddManifest(const std::string& manifest, bool json, std::vector<Found>* found) {
  SKALD_ASSIGN_OR_RETURN(const std::string text, ReadFile(manifest, size_t{1} << 30));
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty()) continue;
    std::string path = line;
    if (json) {
      const auto entry = nlohmann::json::parse(line, nullptr, false);
      const char* key = entry.is_object() && entry.contains("path") ? "path" : "audio_filepath";
      if (!entry.is_object() || !entry.contains(key) || !entry[key].is_string()) {
        return Status::Corrupt("not a JSON object with \"path\" or \"audio_filepath\"")
            .InFile(manifest)
            .At("line " + std::to_string(number));
      }
      path = entry[key].get<std::string>();
    }
    const fs::path full =
        fs::path(path).is_absolute() ? fs::path(path) : fs::path(manifest).parent_path() / path;
    found->push_back({full.string(), fs::path(path).is_absolute() ? full.filename() : fs::path(path)});
  }
  return Status::Ok();
}

}  // namespace

StatusOr<std::vector<Input>> ExpandInputs(const std::vector<std::string>& named) {
  std::vector<Found> found;
  bool standard_input = false;
  for (const std::string& name : named) {
    std::error_code ignored;
    if (name == "-") {
      if (!standard_input) found.push_back({"-", "standard-input"});
      standard_input = true;
    } else if (fs::is_directory(name, ignored)) {
      SKALD_RETURN_IF_ERROR(AddFolder(name, &found));
    } else if (const std::string ending = LowerEnding(name); ending == ".jsonl" || ending == ".txt") {
      SKALD_RETURN_IF_ERROR(AddManifest(name, ending == ".jsonl", &found));
    } else {
      found.push_back({name, fs::path(name).filename()});
    }
  }

  std::map<std::string, int> stem_count;
  for (const Found& entry : found) ++stem_count[ContainedStem(entry.below)];
  std::set<std::string> used;
  std::map<std::string, int> last_copy;  // by stem
  std::vector<Input> inputs;
  for (const Found& entry : found) {
    std::string stem = ContainedStem(entry.below);
    if (stem_count[stem] > 1) stem = Contained(entry.below).string();
    int& copy = last_copy.try_emplace(stem, 1).first->second;
    std::string unique = stem;
    while (!used.insert(unique).second) unique = stem + "-" + std::to_string(++copy);
    inputs.push_back({entry.path, unique});
  }
  return inputs;
}

}  // namespace skald::cli
