#include "cli/description_arguments.h"

#include <string>

namespace skald::cli {

namespace po = boost::program_options;

po::options_description DescriptionArguments() {
  const DescriptionOptions defaults;
  po::options_description options("Words of the lattice", 110);
  options.add_options()(
      "decode",
      po::value<std::string>()->default_value(defaults.word_rule == WordRule::kMbr ? "mbr" : "viterbi"),
      "viterbi: the words of the best path; mbr: those of least expected word errors")(
      "mbr-scale", po::value<double>()->default_value(defaults.mbr_scale),
      "mbr: weight of costs; smaller lets more words differ from the best path")(
      "nbest", po::value<int>()->default_value(defaults.nbest),
      "json: list this many alternatives of every segment with their costs")(
      "alternatives", po::value<int>()->default_value(defaults.alternatives),
      "json: list this many other words for every word with their posteriors")(
      "confidence-scale", po::value<double>()->default_value(defaults.confidence_scale),
      "weight of costs in confidences; those of the bundles are calibrated for the default")(
      "raw-confidences", po::bool_switch(), "confidences as the lattice has them, not calibrated");
  return options;
}

StatusOr<DescriptionOptions> ReadDescriptionArguments(const po::variables_map& values) {
  DescriptionOptions options;
  const std::string rule = values["decode"].as<std::string>();
  if (rule != "viterbi" && rule != "mbr") {
    return Status::InvalidArgument("--decode is viterbi or mbr, not '" + rule + "'");
  }
  options.word_rule = rule == "mbr" ? WordRule::kMbr : WordRule::kViterbi;
  options.mbr_scale = values["mbr-scale"].as<double>();
  options.confidence_scale = values["confidence-scale"].as<double>();
  options.nbest = values["nbest"].as<int>();
  options.alternatives = values["alternatives"].as<int>();
  SKALD_RETURN_IF_ERROR(options.Validate());
  return options;
}

}  // namespace skald::cli
