#include <cstdio>
#include <fmt/format.h>
#include <sstream>

#include "base/file.h"
#include "cli/command.h"
#include "engine/kaldi_import.h"
#include "engine/model_check.h"
#include "engine/recognizer.h"
#include "models/bundle/bundle.h"
#include "models/importers/hugging_face.h"

namespace skald::cli {
namespace {

namespace po = boost::program_options;

constexpr char kAbout[] =
    "import hf DIR OUT  makes a bundle OUT of a checkpoint that Hugging Face's transformers wrote: "
    "Wav2Vec2ForCTC,\n"
    "                   HubertForCTC, ParakeetForCTC, or a Whisper encoder with a CTC head. DIR holds "
    "config.json,\n"
    "                   model.safetensors (or shards and their index) and the tokenizer's files\n"
    "import kaldi DIR OUT  makes a bundle OUT of a Kaldi nnet3 chain model with its graph: a Vosk model "
    "folder, or "
    "one of\n"
    "                   Kaldi's prepare_online_decoding.sh\n"
    "info   prints what a model bundle holds: architecture, heads, files, its model card (data, intended "
    "use, "
    "limits,\n"
    "       word error rates; \"unknown\" where nobody said), and its README.md\n"
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
         fmt::format("{}: {} units, language model weight {:g}, word penalty {:g}, blank penalty {:g}{}",
                     name, head.units, head.lm_scale, head.word_penalty, head.blank_penalty,
                     name == manifest.search_head ? " (default)" : ""));
  }
  for (const auto& [name, file] : manifest.files) {
    line("file", fmt::format("{:<24} {:>10} bytes  {}", name, file.bytes, file.sha256.substr(0, 16)));
  }
}

/// `text` in lines of at most kLineWidth bytes, the first one behind `name`.
void PrintWrapped(const char* name, const std::string& text) {
  constexpr size_t kLineWidth = 100;
  std::istringstream words(text);
  std::string word, line;
  const auto print = [&] {
    std::printf("%-16s %s\n", name, line.c_str());
    name = "";
    line.clear();
  };
  while (words >> word) {
    if (!line.empty() && line.size() + 1 + word.size() > kLineWidth) print();
    line += (line.empty() ? "" : " ") + word;
  }
  print();
}

/// The bundle's model card, and what its README.md tells.
void PrintCard(const Bundle& bundle) {
  const ModelCard& card = bundle.manifest().card;
  const auto text = [](const char* name, const std::string& said) {
    PrintWrapped(name, said.empty() ? "unknown" : said);
  };
  text("trained on", card.data);
  text("intended use", card.intended_use);
  text("limits", card.limits);
  for (const CardResult& result : card.word_error_rates) {
    text("word errors", fmt::format("{:g} % {}{}{}", result.wer_percent, result.set,
                                    result.decoding.empty() ? "" : ": ", result.decoding));
  }
  if (card.word_error_rates.empty()) text("word errors", "");
  constexpr size_t kMaxCardBytes = size_t{1} << 20;
  const StatusOr<std::string> readme = ReadFile(bundle.folder() + "/README.md", kMaxCardBytes);
  if (readme.ok()) std::printf("\n%s%s", readme->c_str(), readme->ends_with('\n') ? "" : "\n");
}

/// What a `skald model import` line says besides its folders.
StatusOr<HuggingFaceImportOptions> ReadImportOptions(const po::variables_map& values) {
  HuggingFaceImportOptions options;
  const auto text = [&](const char* name) {
    return values.count(name) != 0 ? values[name].as<std::string>() : std::string();
  };
  options.name = text("name");
  options.licence = text("licence");
  options.language = text("language");
  options.lm_path = text("lm");
  options.lm_scale = values["lm-scale"].as<double>();
  if (!(options.lm_scale > 0 && options.lm_scale <= 100)) {
    return Status::InvalidArgument("--lm-scale must be above 0 and at most 100");
  }
  const std::string unit_case = text("case");
  if (unit_case != "keep" && unit_case != "lower" && unit_case != "upper") {
    return Status::InvalidArgument("--case must be keep, lower or upper");
  }
  options.unit_case = unit_case == "lower"   ? UnitCase::kLower
                      : unit_case == "upper" ? UnitCase::kUpper
                                             : UnitCase::kKeep;
  return options;
}

/// What the bundle that was made holds.
int PrintImported(const std::string& folder) {
  const StatusOr<Bundle> bundle = Bundle::Open(folder);
  if (!bundle.ok()) return Report(bundle.status(), kNothingDone);
  PrintInfo(*bundle);
  return kAllWell;
}

/// A Kaldi model; `words`: import kaldi DIR OUT.
int ImportKaldi(const std::vector<std::string>& words, const po::variables_map& values) {
  KaldiImportOptions options;
  const auto text = [&](const char* name, std::string* target) {
    if (values.count(name) != 0) *target = values[name].as<std::string>();
  };
  text("name", &options.name);
  text("licence", &options.licence);
  text("language", &options.language);
  text("graph", &options.graph_folder);
  const Status status = ImportKaldiModel(words[2], words[3], options, [](const std::string& what) {
    std::fprintf(stderr, "%s\n", what.c_str());
  });
  if (!status.ok()) {
    return Report(status, status.code() == StatusCode::kInvalidArgument ? kBadUsage : kNothingDone);
  }
  return PrintImported(words[3]);
}

int Import(const std::vector<std::string>& words, const po::variables_map& values) {
  if (words.size() != 4 || (words[1] != "hf" && words[1] != "kaldi")) {
    return Report(
        Status::InvalidArgument("import needs hf or kaldi, the model's folder and the bundle's (see --help)"),
        kBadUsage);
  }
  if (words[1] == "kaldi") return ImportKaldi(words, values);
  const StatusOr<HuggingFaceImportOptions> options = ReadImportOptions(values);
  if (!options.ok()) return Report(options.status(), kBadUsage);
  if (const Status status = ImportHuggingFace(words[2], words[3], *options); !status.ok()) {
    return Report(status, kNothingDone);
  }
  return PrintImported(words[3]);
}

}  // namespace

int RunModel(const Arguments& arguments) {
  po::options_description options("Options", 110);
  options.add_options()("device", po::value<std::string>()->default_value("cpu"), "check on cpu or cuda")(
      "name", po::value<std::string>(), "import: the bundle's name (default: the folder's)")(
      "licence", po::value<std::string>(),
      "import: the licence (default: as the checkpoint's README.md says)")(
      "language", po::value<std::string>(),
      "import: BCP 47 code (default: as the checkpoint's README.md says)")(
      "lm", po::value<std::string>(), "import: language model (ARPA, plain or gzip) to put into the bundle")(
      "lm-scale", po::value<double>()->default_value(1), "import: weight of the language model")(
      "case", po::value<std::string>()->default_value("keep"),
      "import: ASCII letters of the units: keep, lower or upper; as the language model's words have them")(
      "graph", po::value<std::string>(),
      "import kaldi: folder of HCLG.fst and words.txt (default: the model's)");
  const Parsed parsed =
      Parse(arguments, "skald model info|check [DIR]\n       skald model import hf|kaldi DIR OUT", kAbout,
            options, "word");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  const auto words = Texts(parsed.values, "word");
  if (!words.empty() && words[0] == "import") return Import(words, parsed.values);
  if (words.empty() || words.size() > 2 || (words[0] != "info" && words[0] != "check")) {
    return Report(Status::InvalidArgument(
                      "model needs import, info or check, and the latter at most one folder (see --help)"),
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
    PrintCard(*bundle);
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
