#include <charconv>
#include <cstdio>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "cli/combine_inputs.h"
#include "cli/command.h"
#include "cli/output_arguments.h"
#include "cli/transcript_writer.h"
#include "engine/combiner.h"

namespace skald::cli {
namespace {

namespace po = boost::program_options;

constexpr char kAbout[] =
    "Makes one transcript of what several systems say about the same recordings; name the best system "
    "first. A SYSTEM is\n"
    "a CTM file, a JSON transcript, a Kaldi lattice archive as of transcribe --format lattice, or a folder "
    "of such files.\n"
    "Recordings are matched by file and channel. Methods:\n"
    "  mbr    the words of least expected errors over all lattices (words without a lattice are one path)\n"
    "  rover  votes of the words, as NIST's rover; for systems of which there is nothing but text\n"
    "  cnc    means of confusion networks";

po::options_description Options() {
  const CombinerOptions defaults;
  po::options_description options("Combination", 110);
  options.add_options()("method", po::value<std::string>()->default_value("mbr"), "mbr, rover or cnc")(
      "weights", po::value<std::string>()->default_value(""),
      "how much each system counts, comma-separated (default: all alike)")(
      "words", po::value<std::vector<std::string>>()->composing(),
      "words.txt or decoding graph (.skg) of the lattices; once for all systems, or once for each in order")(
      "scales", po::value<std::string>()->default_value(""),
      "factors of the costs of lattices, comma-separated (default: 0.5 each); smaller: less sure")(
      "alpha", po::value<double>()->default_value(defaults.rover.alpha),
      "rover: share of the votes in a word's score; the rest is its confidence")(
      "vote", po::value<std::string>()->default_value("average"),
      "rover: how confidences of a word count: average, maximum or share")(
      "null-confidence", po::value<double>()->default_value(defaults.rover.null_confidence),
      "rover: confidence of no word; larger yields fewer words")("align-by-time", po::bool_switch(),
                                                                 "rover: align words by their times")(
      "null-scale", po::value<double>()->default_value(defaults.networks.null_scale),
      "cnc: factor of the probability of no word; larger yields fewer words")(
      "time-slack", po::value<double>()->default_value(defaults.networks.time_slack_s),
      "cnc: seconds that words of two systems may lie apart")(
      "keep-times", po::bool_switch(),
      "do not move the times of systems by their median offset from the first system")(
      "pause", po::value<double>()->default_value(defaults.pause_s),
      "a pause of this many seconds in all systems ends a segment");
  po::options_description outputs("Outputs", 110);
  outputs.add_options()("out", po::value<std::string>(),
                        "folder for the outputs; made where it does not exist")(
      "format", po::value<std::string>()->default_value("txt"),
      "comma-separated: txt, json, srt, vtt, ttml, ctm");
  options.add(OutputArguments()).add(outputs);
  return options;
}

StatusOr<std::vector<double>> ReadNumbers(const char* option, const std::string& list) {
  std::vector<double> numbers;
  for (const std::string& field : SplitList(list)) {
    double number = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), number);
    if (error != std::errc() || end != field.data() + field.size()) {
      return Status::InvalidArgument(fmt::format("--{}: '{}' is no number", option, field));
    }
    numbers.push_back(number);
  }
  return numbers;
}

StatusOr<CombinerOptions> ReadCombinerOptions(const po::variables_map& values, size_t systems) {
  CombinerOptions options;
  SKALD_ASSIGN_OR_RETURN(options.method, ParseCombinationMethod(values["method"].as<std::string>()));
  SKALD_ASSIGN_OR_RETURN(options.weights, ReadNumbers("weights", values["weights"].as<std::string>()));
  SKALD_ASSIGN_OR_RETURN(options.lattice_scales, ReadNumbers("scales", values["scales"].as<std::string>()));
  const std::string vote = values["vote"].as<std::string>();
  if (vote != "average" && vote != "maximum" && vote != "share") {
    return Status::InvalidArgument("--vote is average, maximum or share, not '" + vote + "'");
  }
  if (vote == "maximum") options.rover.vote = RoverVote::kMaximum;
  if (vote == "share") options.rover.vote = RoverVote::kShare;
  options.rover.alpha = values["alpha"].as<double>();
  options.rover.null_confidence = values["null-confidence"].as<double>();
  options.rover.align_by_time = values["align-by-time"].as<bool>();
  options.networks.null_scale = values["null-scale"].as<double>();
  options.networks.time_slack_s = values["time-slack"].as<double>();
  options.move_times = !values["keep-times"].as<bool>();
  options.pause_s = values["pause"].as<double>();
  SKALD_RETURN_IF_ERROR(options.Validate(systems));
  return options;
}

/// Every recording goes to files of its own; on standard output, but for CTM, which says it itself, under its
/// name.
Status Write(const Combination& combination, const std::vector<OutputFormat>& formats, OutputOptions options,
             const std::string& folder) {
  for (const Transcript& transcript : combination.transcripts) {
    for (const Segment& segment : transcript.segments) {
      options.split_channels = options.split_channels || segment.channel > 0;
    }
  }
  const bool named = combination.transcripts.size() > 1 && formats.front() != OutputFormat::kCtm;
  const TranscriptWriter writer(folder, formats, options, named);
  for (const Transcript& transcript : combination.transcripts) {
    SKALD_RETURN_IF_ERROR(writer.Write(transcript.source.path, {transcript}).status());
  }
  return Status::Ok();
}

}  // namespace

int RunCombine(const Arguments& arguments) {
  const Parsed parsed =
      Parse(arguments, "skald combine [OPTIONS] SYSTEM SYSTEM...", kAbout, Options(), "system");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  const std::vector<std::string> paths = Texts(parsed.values, "system"),
                                 words = Texts(parsed.values, "words");
  const auto options = ReadCombinerOptions(parsed.values, paths.size());
  if (!options.ok()) return Report(options.status(), kBadUsage);
  auto output = ReadOutputArguments(parsed.values);
  if (!output.ok()) return Report(output.status(), kBadUsage);
  const auto formats = ParseOutputFormats(parsed.values["format"].as<std::string>());
  if (!formats.ok()) return Report(formats.status(), kBadUsage);
  const std::string folder = parsed.values.count("out") != 0 ? parsed.values["out"].as<std::string>() : "";
  if (folder.empty() && formats->size() > 1) {
    return Report(Status::InvalidArgument("several formats need --out FOLDER"), kBadUsage);
  }
  for (const OutputFormat format : *formats) {
    if (format != OutputFormat::kLattice) continue;
    return Report(Status::InvalidArgument("combinations are not written as lattices"), kBadUsage);
  }
  if (words.size() > 1 && words.size() != paths.size()) {
    return Report(Status::InvalidArgument("--words is given once, or once for each system"), kBadUsage);
  }

  std::vector<CombinedSystem> systems;
  for (size_t k = 0; k < paths.size(); ++k) {
    const std::string table = words.empty() ? "" : words[words.size() == 1 ? 0 : k];
    auto system = ReadCombinedSystem(paths[k], table, options->method != CombinationMethod::kRover);
    if (!system.ok()) return Report(system.status(), kNothingDone);
    systems.push_back(*std::move(system));
  }
  auto combination = CombineSystems(systems, *options);
  if (!combination.ok()) return Report(combination.status(), kNothingDone);
  std::string names;
  for (const std::string& path : paths) names += (names.empty() ? "" : " ") + path;
  for (Transcript& transcript : combination->transcripts) {
    transcript.model_name = "combination";
    transcript.options = {{"method", parsed.values["method"].as<std::string>()},
                          {"systems", names},
                          {"weights", parsed.values["weights"].as<std::string>()},
                          {"scales", parsed.values["scales"].as<std::string>()}};
  }
  for (size_t k = 1; k < paths.size(); ++k) {
    const double offset_s = combination->offsets_s[k];
    if (offset_s != 0)
      std::fprintf(stderr, "skald: times of %s moved by %+.3f s\n", paths[k].c_str(), -offset_s);
  }
  for (const std::string& note : combination->notes) std::fprintf(stderr, "skald: %s\n", note.c_str());
  if (const Status status = Write(*combination, *formats, *output, folder); !status.ok()) {
    return Report(status, kSomeFailed);
  }
  return kAllWell;
}

}  // namespace skald::cli
