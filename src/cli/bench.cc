#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/input_list.h"
#include "cli/recognizer_arguments.h"
#include "cli/run_report.h"
#include "engine/benchmark.h"
#include "engine/lattice_benchmark.h"

namespace skald::cli {
namespace {

namespace po = boost::program_options;

constexpr char kAbout[] =
    "Measures one stage (media, vad, features, model, search, pcm or pipeline) over the same audio several "
    "times "
    "and\n"
    "prints seconds, their spread and the speed as a multiple of real time. Single stages run on one thread "
    "with\n"
    "their inputs in memory (on a device: resident there); pipeline is the whole way from media to "
    "transcript\n"
    "on all workers, pcm the same from samples in memory; lattice measures the steps that read lattices\n"
    "(determinisation, n-best, words of least expected error) on one thread. --lanes takes a list: one "
    "measurement each.";

nlohmann::ordered_json ToJson(const BenchmarkResult& result) {
  nlohmann::ordered_json json = {{"stage", result.stage},
                                 {"audio_s", result.audio_s},
                                 {"run_s", result.run_s},
                                 {"median_s", result.median_s()},
                                 {"times_real_time", result.times_real_time()}};
  for (const auto& [name, value] : result.details) json["details"][name] = value;
  if (result.occupancy) json["occupancy"] = ReportAsJson(*result.occupancy);
  return json;
}

void Print(const BenchmarkResult& result) {
  std::printf("%s: %.1f s of audio, median %.4f s of %zu runs (%.4f to %.4f), %.1f x real time\n",
              result.stage.c_str(), result.audio_s, result.median_s(), result.run_s.size(),
              result.run_s.front(), result.run_s.back(), result.times_real_time());
  for (const auto& [name, value] : result.details) std::printf("  %-40s %s\n", name.c_str(), value.c_str());
  if (result.occupancy) std::printf("last run\n%s", ReportAsText(*result.occupancy).c_str());
}

/// What a comma-separated list holds.
std::vector<std::string> Split(const std::string& list) {
  std::vector<std::string> parts(1);
  for (const char c : list) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

/// Prints what reading lattices costs; fails like the commands.
int BenchLattice(const std::vector<std::string>& paths, const RecognizerOptions& recognizer, int nbest,
                 int repeats, bool as_json) {
  const auto result = RunLatticeBenchmark(paths, recognizer, nbest, repeats);
  if (!result.ok()) return Report(result.status(), kNothingDone);
  const auto per_second = [&](int64_t count) { return static_cast<double>(count) / result->audio_s; };
  const auto words = static_cast<double>(std::max<int64_t>(1, result->words));
  const std::pair<std::string, double> values[] = {
      {"audio_s", result->audio_s},
      {"segments", static_cast<double>(result->segments)},
      {"words", static_cast<double>(result->words)},
      {"raw_arcs_per_s", per_second(result->raw_arcs)},
      {"word_arcs_per_s", per_second(result->word_arcs)},
      {"word_arcs_per_word", static_cast<double>(result->word_arcs) / words},
      {"smallest_lattice_beam", result->smallest_lattice_beam},
      {"best_path_ms_per_s", result->best_path_ms},
      {"determinise_ms_per_s", result->determinise_ms},
      {"rescore_ms_per_s", result->rescore_ms},
      {"nbest_ms_per_s", result->nbest_ms},
      {"mbr_ms_per_s", result->mbr_ms},
      {"compact_ms_per_s", result->compact_ms}};
  nlohmann::ordered_json json;
  for (const auto& [name, value] : values) {
    json[name] = value;
    if (!as_json) std::printf("%-24s %.4g\n", name.c_str(), value);
  }
  if (as_json) std::printf("%s\n", json.dump(2).c_str());
  return kAllWell;
}

}  // namespace

int RunBench(const Arguments& arguments) {
  po::options_description options("", 110);
  options.add(RecognizerArguments());
  po::options_description measuring("Measuring", 110);
  measuring.add_options()("repeats", po::value<int>()->default_value(5), "timed runs")(
      "warm-up", po::value<int>()->default_value(1), "runs before, not counted")(
      "copies", po::value<int>()->default_value(1), "search, pcm, pipeline: every input this many times")(
      "nbest", po::value<int>()->default_value(10), "lattice: length of the n-best lists")(
      "check", po::bool_switch(), "search on a device: fail where the CPU finds other survivors")(
      "json", po::bool_switch(), "print JSON; a list for several --lanes");
  options.add(measuring);
  const Parsed parsed = Parse(arguments, "skald bench STAGE [OPTIONS] INPUT...", kAbout, options, "input");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  const std::vector<std::string> words = Texts(parsed.values, "input");
  if (words.size() < 2)
    return Report(Status::InvalidArgument("bench needs a stage and inputs (see --help)"), kBadUsage);
  const bool is_lattice = words.front() == "lattice";
  const auto stage = ParseBenchmarkStage(is_lattice ? "search" : words.front());
  if (!stage.ok()) return Report(stage.status(), kBadUsage);
  po::variables_map values = parsed.values;
  std::vector<RecognizerOptions> recognizers;  // one for each number of lanes
  for (const std::string& lanes : Split(values["lanes"].as<std::string>())) {
    values.at("lanes").value() = lanes;
    const auto recognizer = ReadRecognizerArguments(values);
    if (!recognizer.ok()) return Report(recognizer.status(), kBadUsage);
    recognizers.push_back(*recognizer);
  }
  BenchmarkOptions benchmark;
  benchmark.repeats = parsed.values["repeats"].as<int>();
  benchmark.warm_up_runs = parsed.values["warm-up"].as<int>();
  if (benchmark.repeats < 1 || benchmark.repeats > 1000 || benchmark.warm_up_runs < 0 ||
      benchmark.warm_up_runs > 100) {
    return Report(Status::InvalidArgument("--repeats is 1 to 1000, --warm-up 0 to 100"), kBadUsage);
  }
  benchmark.copies = values["copies"].as<int>();
  if (benchmark.copies < 1 || benchmark.copies > 100000)
    return Report(Status::InvalidArgument("--copies is 1 to 100000"), kBadUsage);
  benchmark.check = values["check"].as<bool>();
  const auto inputs = ExpandInputs({words.begin() + 1, words.end()});
  if (!inputs.ok()) return Report(inputs.status(), kNothingDone);
  std::vector<std::string> paths;
  for (const Input& input : *inputs) paths.push_back(input.path);
  if (is_lattice) {
    return BenchLattice(paths, recognizers.front(), values["nbest"].as<int>(), benchmark.repeats,
                        values["json"].as<bool>());
  }

  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const RecognizerOptions& recognizer : recognizers) {
    const auto result = RunBenchmark(*stage, paths, recognizer, benchmark);
    if (!result.ok()) return Report(result.status(), kNothingDone);
    if (values["json"].as<bool>()) {
      json.push_back(ToJson(*result));
    } else {
      Print(*result);
    }
  }
  if (!json.empty()) std::printf("%s\n", (json.size() == 1 ? json[0] : json).dump(2).c_str());
  return kAllWell;
}

}  // namespace skald::cli
