#include "cli/description_arguments.h"

#include <string>

namespace skald::cli {

namespace po = boost::program_options;

po::options_description DescriptionArguments() {
  const DescriptionOptions defaults;
  po::options_description options("Words of the lattice", 110);
  options.add_options()(
      "decode", po::value<std::string>()->default_value("auto"),
      "viterbi: the words of the best path; mbr: those of least expected word errors; greedy: those that the "
      "best unit of every frame spells, without language model and lexicon; auto: greedy where the model has "
      "none, else mbr")("mbr-scale", po::value<double>()->default_value(defaults.mbr_scale),
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

Status ReadDescriptionArguments(const po::variables_map& values, RecognizerOptions* recognizer) {
  DescriptionOptions& options = recognizer->description;
  SKALD_RETURN_IF_ERROR(recognizer->SetDecode(values["decode"].as<std::string>()));
  options.mbr_scale = values["mbr-scale"].as<double>();
  options.confidence_scale = values["confidence-scale"].as<double>();
  options.nbest = values["nbest"].as<int>();
  options.alternatives = values["alternatives"].as<int>();
  if (!values["mbr-scale"].defaulted()) recognizer->mbr_scale = options.mbr_scale;
  if (!values["confidence-scale"].defaulted()) recognizer->confidence_scale = options.confidence_scale;
  recognizer->raw_confidences = values["raw-confidences"].as<bool>();
  return options.Validate();
}

}  // namespace skald::cli
