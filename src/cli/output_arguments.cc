#include "cli/output_arguments.h"

#include <string>

namespace skald::cli {

namespace po = boost::program_options;

po::options_description OutputArguments() {
  const SubtitleOptions defaults;
  po::options_description options("Text, subtitles and lattices", 110);
  options.add_options()("times", po::bool_switch(), "txt: put the times of every segment in front of it")(
      "text-case", po::value<std::string>()->default_value("as-is"), "as-is, lower or sentence")(
      "line-length", po::value<int>()->default_value(defaults.max_characters_per_line),
      "characters in a subtitle line at most")("lines", po::value<int>()->default_value(defaults.max_lines),
                                               "lines in a subtitle at most")(
      "min-duration", po::value<double>()->default_value(defaults.min_duration_s),
      "seconds that a subtitle stays at least")("max-duration",
                                                po::value<double>()->default_value(defaults.max_duration_s),
                                                "seconds that a subtitle stays at most")(
      "min-gap", po::value<double>()->default_value(defaults.min_gap_s), "seconds between two subtitles")(
      "lattice-type", po::value<std::string>()->default_value("text"),
      "lattice: text or binary (Kaldi archives), openfst or slf");
  return options;
}

StatusOr<OutputOptions> ReadOutputArguments(const po::variables_map& values) {
  OutputOptions options;
  options.times_in_text = values["times"].as<bool>();
  SKALD_ASSIGN_OR_RETURN(options.text_case, ParseTextCase(values["text-case"].as<std::string>()));
  options.subtitles.max_characters_per_line = values["line-length"].as<int>();
  options.subtitles.max_lines = values["lines"].as<int>();
  options.subtitles.min_duration_s = values["min-duration"].as<double>();
  options.subtitles.max_duration_s = values["max-duration"].as<double>();
  options.subtitles.min_gap_s = values["min-gap"].as<double>();
  SKALD_ASSIGN_OR_RETURN(options.lattice_type, ParseLatticeType(values["lattice-type"].as<std::string>()));
  SKALD_RETURN_IF_ERROR(options.subtitles.Validate());
  return options;
}

}  // namespace skald::cli
