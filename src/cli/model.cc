#include <cstdio>
#include <fmt/format.h>

#include "cli/command.h"
#include "engine/model_check.h"
#include "engine/recognizer.h"
#include "models/bundle/bundle.h"

namespace skald::cli {
namespace {

namespace po = boost::program_options;

constexpr char kAbout[] =
    "info   prints what a model bundle holds: architecture, heads, files, data and licence\n"
    "check  verifies every file, loads the network and re-runs the bundle's golden test on this machine\n\n"
    "DIR is the bundle's folder (default: the English model that comes with Skald).";

void PrintInfo(const Bundle& bundle) {
  const BundleManifest& manifest = bundle.manifest();
  const auto line = [](const char* name, const std::string& value) {
    std::printf("%-16s %s\n", name, value.c_str());
  };
  line("name", manifest.name);
  line("folder", bundle.folder());
  line("language", manifest.language);
  line("licence", manifest.licence);
  line("architecture", DescribeArchitecture(manifest.sizes));
  line("features", fmt::format("{}, {} bins, {} Hz", manifest.features.type, manifest.features.bins,
                               manifest.features.sample_rate_hz));
  line("frame shift", fmt::format("{:g} s", manifest.frame_shift_s));
  for (const auto& [name, head] : manifest.heads) {
    line("head",
         fmt::format("{}: {} units, language model weight {:g}, word penalty {:g}{}", name, head.units,
                     head.lm_scale, head.word_penalty, name == manifest.search_head ? " (default)" : ""));
  }
  for (const auto& [name, file] : manifest.files) {
    line("file", fmt::format("{:<24} {:>10} bytes  {}", name, file.bytes, file.sha256.substr(0, 16)));
  }
}

}  // namespace

int RunModel(const Arguments& arguments) {
  po::options_description options("Options", 110);
  options.add_options()("device", po::value<std::string>()->default_value("cpu"), "check on cpu or cuda");
  const Parsed parsed = Parse(arguments, "skald model info|check [DIR]", kAbout, options, "word");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  const auto words = Texts(parsed.values, "word");
  if (words.empty() || words.size() > 2 || (words[0] != "info" && words[0] != "check")) {
    return Report(Status::InvalidArgument("model needs info or check, and at most one folder (see --help)"),
                  kBadUsage);
  }
  std::string folder;
  if (words.size() == 2) {
    folder = words[1];
  } else if (auto found = FindDefaultBundle(); found.ok()) {
    folder = *found;
  } else {
    return Report(found.status(), kNothingDone);
  }
  const StatusOr<Bundle> bundle = Bundle::Open(folder);
  if (!bundle.ok()) return Report(bundle.status(), kNothingDone);
  if (words[0] == "info") {
    PrintInfo(*bundle);
    return kAllWell;
  }
  const StatusOr<std::vector<GoldenResult>> results = CheckModel(*bundle);
  if (!results.ok()) return Report(results.status(), kNothingDone);
  bool well = true;
  for (const GoldenResult& result : *results) {
    std::printf("%s %-40s largest difference %.2g (limit %.2g)\n", result.passed() ? "ok" : "--",
                result.name.c_str(), result.largest_difference, result.limit);
    well = well && result.passed();
  }
  std::printf("%s\n",
              well ? "all files and golden scores agree" : "the model does not compute what it should");
  return well ? kAllWell : kSomeFailed;
}

}  // namespace skald::cli
