#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/input_list.h"
#include "cli/recognizer_arguments.h"
#include "engine/benchmark.h"

namespace skald::cli {
namespace {

namespace po = boost::program_options;

constexpr char kAbout[] =
    "Measures one stage (media, features, model, search or pipeline) over the same audio several times and "
    "prints\n"
    "seconds, their spread and the speed as a multiple of real time. Single stages run on one thread with "
    "their\n"
    "inputs in memory; the pipeline is the whole way from media to transcript on all workers.";

}  // namespace

int RunBench(const Arguments& arguments) {
  po::options_description options("", 110);
  options.add(RecognizerArguments());
  po::options_description measuring("Measuring", 110);
  measuring.add_options()("repeats", po::value<int>()->default_value(5), "timed runs")(
      "warm-up", po::value<int>()->default_value(1), "runs before, not counted")("json", po::bool_switch(),
                                                                                 "print JSON");
  options.add(measuring);
  const Parsed parsed = Parse(arguments, "skald bench STAGE [OPTIONS] INPUT...", kAbout, options, "input");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  const std::vector<std::string> words = parsed.values.count("input") != 0
                                             ? parsed.values["input"].as<std::vector<std::string>>()
                                             : std::vector<std::string>();
  if (words.size() < 2)
    return Report(Status::InvalidArgument("bench needs a stage and inputs (see --help)"), kBadUsage);
  const auto stage = ParseBenchmarkStage(words.front());
  if (!stage.ok()) return Report(stage.status(), kBadUsage);
  const auto recognizer = ReadRecognizerArguments(parsed.values);
  if (!recognizer.ok()) return Report(recognizer.status(), kBadUsage);
  BenchmarkOptions benchmark;
  benchmark.repeats = parsed.values["repeats"].as<int>();
  benchmark.warm_up_runs = parsed.values["warm-up"].as<int>();
  if (benchmark.repeats < 1 || benchmark.repeats > 1000 || benchmark.warm_up_runs < 0 ||
      benchmark.warm_up_runs > 100) {
    return Report(Status::InvalidArgument("--repeats is 1 to 1000, --warm-up 0 to 100"), kBadUsage);
  }
  const auto inputs = ExpandInputs({words.begin() + 1, words.end()});
  if (!inputs.ok()) return Report(inputs.status(), kNothingDone);
  std::vector<std::string> paths;
  for (const Input& input : *inputs) paths.push_back(input.path);

  const auto result = RunBenchmark(*stage, paths, *recognizer, benchmark);
  if (!result.ok()) return Report(result.status(), kNothingDone);
  if (parsed.values["json"].as<bool>()) {
    nlohmann::ordered_json json = {{"stage", result->stage},
                                   {"audio_s", result->audio_s},
                                   {"run_s", result->run_s},
                                   {"median_s", result->median_s()},
                                   {"times_real_time", result->times_real_time()}};
    for (const auto& [name, value] : result->details) json["details"][name] = value;
    std::printf("%s\n", json.dump(2).c_str());
    return kAllWell;
  }
  std::printf("%s: %.1f s of audio, median %.3f s of %zu runs (%.3f to %.3f), %.1f x real time\n",
              result->stage.c_str(), result->audio_s, result->median_s(), result->run_s.size(),
              result->run_s.front(), result->run_s.back(), result->times_real_time());
  for (const auto& [name, value] : result->details) std::printf("  %-28s %s\n", name.c_str(), value.c_str());
  return kAllWell;
}

}  // namespace skald::cli
