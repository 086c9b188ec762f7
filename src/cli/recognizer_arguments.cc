#include "cli/recognizer_arguments.h"

#include <charconv>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <string>

#include "base/file.h"
#include "cli/command.h"
#include "engine/boost_list.h"

namespace skald::cli {

namespace po = boost::program_options;

namespace {

/// Phrases, and those of files.
StatusOr<std::vector<BoostRequest>> ReadBoosts(const std::vector<std::string>& arguments,
                                               double default_weight) {
  if (!(std::abs(default_weight) <= 1000)) return Status::InvalidArgument("--boost-weight is -1000 to 1000");
  std::vector<BoostRequest> requests;
  for (const std::string& argument : arguments) {
    std::error_code error;
    if (!std::filesystem::exists(argument, error)) {
      requests.push_back({argument, default_weight, ""});
      continue;
    }
    SKALD_ASSIGN_OR_RETURN(const std::string text, ReadFile(argument));
    StatusOr<std::vector<BoostRequest>> listed = ParseBoostList(text, default_weight);
    if (!listed.ok()) return std::move(listed).status().InFile(argument);
    requests.insert(requests.end(), listed->begin(), listed->end());
  }
  return requests;
}

/// Takes "=WEIGHT" off the end of "NAME=WEIGHT"; 1 where there is none.
StatusOr<double> TakeWeight(const char* option, std::string* argument) {
  const size_t equals = argument->rfind('=');
  double weight = 1;
  if (equals == std::string::npos) return weight;
  const char* const end_of_argument = argument->data() + argument->size();
  const auto [end, error] = std::from_chars(argument->data() + equals + 1, end_of_argument, weight);
  if (error != std::errc() || end != end_of_argument || !(weight >= 0 && weight <= 1000)) {
    return Status::InvalidArgument(fmt::format("--{} needs weights of 0 to 1000: '{}'", option, *argument));
  }
  argument->resize(equals);
  return weight;
}

StatusOr<FusionOptions> ReadFusion(const std::vector<std::string>& arguments, const std::string& rule) {
  FusionOptions fusion;
  if (rule != "arithmetic" && rule != "log-linear") {
    return Status::InvalidArgument("--fusion is arithmetic or log-linear, not '" + rule + "'");
  }
  if (rule == "log-linear") fusion.rule = FusionRule::kLogLinear;
  for (const std::string& argument : arguments) {
    AlsoModel model{argument};
    SKALD_ASSIGN_OR_RETURN(model.weight, TakeWeight("also-model", &model.folder));
    fusion.models.push_back(std::move(model));
  }
  return fusion;
}

}  // namespace

po::options_description RecognizerArguments() {
  const RecognizerOptions defaults;
  po::options_description options("Recognizer", 110);
  options.add_options()("model", po::value<std::string>(),
                        "folder of the model bundle (default: the English model that comes with Skald)")(
      "device", po::value<std::string>()->default_value("auto"),
      "auto, cpu, cuda, cuda:N, or several: cuda:0,1 or cuda:0,cpu; work goes to whoever is free")(
      "search", po::value<std::string>()->default_value("auto"),
      "where segments are searched: auto (the model's device), cpu, cuda; the text is the same")(
      "lanes", po::value<std::string>()->default_value("0"),
      "segments that a CUDA device searches at the same time (0: as many as it runs at once)")(
      "precision", po::value<std::string>()->default_value("auto"),
      "arithmetic of the acoustic model: auto, f32, bf16, f16 (CUDA), int8 (CPU)")(
      "threads", po::value<int>()->default_value(0), "worker threads (0: one per processor)")(
      "head", po::value<std::string>(), "head of the model to search with (default: the bundle's choice)")(
      "also-model", po::value<std::vector<std::string>>()->composing(),
      "another bundle, DIR[=WEIGHT], whose scores are fused with the model's (weight 1) frame by frame; may "
      "be "
      "repeated")("fusion", po::value<std::string>()->default_value("arithmetic"),
                  "how scores are fused: arithmetic or log-linear mean")(
      "graph", po::value<std::string>(), "decoding graph file instead of the one built from the bundle")(
      "beam", po::value<float>(),
      "search beam in nats; larger is slower and misses less (default: the bundle's choice, else 14)")(
      "lattice-beam", po::value<float>(),
      "alternatives within this many nats of the best path are kept for confidences (default: the bundle's "
      "choice, else 8)")("max-active", po::value<int32_t>(),
                         "tokens expanded per frame at most (default: the bundle's choice, else 2000)")(
      "lm-scale", po::value<double>(), "weight of the language model (default: the bundle's choice)")(
      "word-penalty", po::value<double>(), "cost of every word in nats (default: the bundle's choice)")(
      "blank-penalty", po::value<double>(),
      "added to the cost of blank frames; larger yields more words (default: the bundle's choice)")(
      "boost", po::value<std::vector<std::string>>()->composing(),
      "a phrase that is expected, or a file with one in each line: PHRASE[<TAB>WEIGHT[<TAB>UNITS]]; may be "
      "repeated")("boost-weight", po::value<double>()->default_value(BoostRequest::kDefaultWeight),
                  "nats for every occurrence of a boosted phrase without a weight of its own")(
      "vad", po::value<std::string>()->default_value(defaults.vad.detector),
      "what finds long stretches without speech, which are left out: silero or energy; off: nothing is left "
      "out")("vad-threshold", po::value<double>()->default_value(defaults.vad.gate.threshold),
             "probability from which on sound is speech; smaller leaves out less")(
      "vad-padding", po::value<double>()->default_value(defaults.vad.gate.lead_s),
      "seconds before and after speech that stay")(
      "vad-min-skip", po::value<double>()->default_value(defaults.vad.gate.min_skip_s),
      "shorter stretches are not left out [s]")("window",
                                                po::value<double>()->default_value(defaults.windows.window_s),
                                                "seconds that the acoustic model sees at once")(
      "context", po::value<double>()->default_value(defaults.windows.context_s),
      "seconds of overlap at each side of a window")(
      "pause", po::value<double>()->default_value(defaults.endpoint.pause_s),
      "a pause of this many seconds ends a segment")(
      "rescore", po::value<std::string>()->default_value("none"),
      "none, or large: a larger language model has the last word on the search's alternatives")(
      "rescore-lm", po::value<std::string>(),
      "model for --rescore large: ARPA or a file of skald lm build (default: the bundle's)")(
      "rescore-weight", po::value<double>()->default_value(defaults.rescoring.weight),
      "share of the large model; 0 keeps the first-pass model, 1 replaces it")(
      "rescore-lm-scale", po::value<double>()->default_value(defaults.rescoring.lm_scale),
      "factor on language model costs when rescoring")(
      "rescore-word-penalty", po::value<double>()->default_value(defaults.rescoring.word_penalty),
      "nats for every word when rescoring, on top of --word-penalty");
  return options;
}

StatusOr<std::vector<HeadShare>> ReadHeads(const std::string& list) {
  std::vector<HeadShare> heads;
  for (const std::string& part : SplitList(list)) {
    HeadShare head{part};
    SKALD_ASSIGN_OR_RETURN(head.weight, TakeWeight("heads", &head.name));
    heads.push_back(std::move(head));
  }
  if (heads.empty()) return Status::InvalidArgument("--heads names no head");
  return heads;
}

StatusOr<RecognizerOptions> ReadRecognizerArguments(const po::variables_map& values) {
  RecognizerOptions options;
  const auto text = [&](const char* name, std::string* target) {
    if (values.count(name) != 0) *target = values[name].as<std::string>();
  };
  text("model", &options.model_folder);
  text("device", &options.device);
  text("search", &options.search_device);
  const std::string lanes = values["lanes"].as<std::string>();
  const auto [end, error] = std::from_chars(lanes.data(), lanes.data() + lanes.size(), options.search_lanes);
  if (error != std::errc() || end != lanes.data() + lanes.size()) {
    return Status::InvalidArgument("--lanes is a number, not '" + lanes + "'");
  }
  text("precision", &options.precision);
  text("head", &options.head);
  text("graph", &options.graph_path);
  if (values.count("also-model") != 0) {
    SKALD_ASSIGN_OR_RETURN(options.fusion,
                           ReadFusion(Texts(values, "also-model"), values["fusion"].as<std::string>()));
  }
  options.threads = values["threads"].as<int>();
  const auto chosen = [&](const char* name, auto* target) {
    using Value = typename std::remove_pointer_t<decltype(target)>::value_type;
    if (values.count(name) != 0) *target = values[name].as<Value>();
  };
  chosen("beam", &options.beam);
  chosen("lattice-beam", &options.lattice_beam);
  chosen("max-active", &options.max_active);
  if (values.count("lm-scale") != 0) {
    options.lm_scale = values["lm-scale"].as<double>();
    if (!(options.lm_scale > 0)) return Status::InvalidArgument("--lm-scale must be positive");
  }
  if (values.count("word-penalty") != 0) options.word_penalty = values["word-penalty"].as<double>();
  if (values.count("blank-penalty") != 0) options.blank_penalty = values["blank-penalty"].as<double>();
  text("vad", &options.vad.detector);
  options.vad.gate.threshold = values["vad-threshold"].as<double>();
  options.vad.gate.lead_s = options.vad.gate.tail_s = values["vad-padding"].as<double>();
  options.vad.gate.min_skip_s = values["vad-min-skip"].as<double>();
  options.windows.window_s = values["window"].as<double>();
  options.windows.context_s = values["context"].as<double>();
  options.endpoint.pause_s = values["pause"].as<double>();
  if (values.count("boost") != 0) {
    SKALD_ASSIGN_OR_RETURN(options.boosts,
                           ReadBoosts(Texts(values, "boost"), values["boost-weight"].as<double>()));
  }
  const std::string rescore = values["rescore"].as<std::string>();
  if (rescore != "none" && rescore != "large")
    return Status::InvalidArgument("--rescore is none or large, not '" + rescore + "'");
  options.rescoring.enabled = rescore == "large";
  text("rescore-lm", &options.rescoring.lm_path);
  options.rescoring.weight = values["rescore-weight"].as<double>();
  options.rescoring.lm_scale = values["rescore-lm-scale"].as<double>();
  options.rescoring.word_penalty = values["rescore-word-penalty"].as<double>();
  SKALD_RETURN_IF_ERROR(options.Validate());
  return options;
}

po::options_description MediaArguments() {
  po::options_description options("Media", 110);
  options.add_options()("track", po::value<std::string>()->default_value("0"),
                        "audio track, counted from 0, or all")(
      "channels", po::value<std::string>()->default_value("mix"),
      "mix: all channels together; split: every channel by itself")(
      "allow-network", po::bool_switch(),
      "let inputs be URLs, or files that refer to others outside their own folder")(
      "stall-timeout", po::value<double>()->default_value(MediaOptions().stall_timeout_s),
      "an input that gives nothing for this many seconds is given up (0: never)");
  return options;
}

StatusOr<MediaOptions> ReadMediaArguments(const po::variables_map& values) {
  MediaOptions media;
  const std::string track = values["track"].as<std::string>();
  if (track == "all") {
    media.track = -1;
  } else if (!track.empty() && track.size() < 6 &&
             track.find_first_not_of("0123456789") == std::string::npos) {
    media.track = std::stoi(track);
  } else {
    return Status::InvalidArgument("--track is a number or all, not '" + track + "'");
  }
  const std::string channels = values["channels"].as<std::string>();
  if (channels != "mix" && channels != "split") {
    return Status::InvalidArgument("--channels is mix or split, not '" + channels + "'");
  }
  media.split_channels = channels == "split";
  media.stall_timeout_s = values["stall-timeout"].as<double>();
  if (!(media.stall_timeout_s >= 0 && media.stall_timeout_s <= 86400)) {
    return Status::InvalidArgument("--stall-timeout is 0 to 86400");
  }
  media.allow_network = values["allow-network"].as<bool>();
  return media;
}

BuildProgress BuildProgressOn(ProgressBar* bar) {
  return [bar](double fraction, const std::string& phase) {
    bar->Update(fraction, "building the decoding graph, once for this model: " + phase);
  };
}

StatusOr<std::unique_ptr<Recognizer>> MakeRecognizer(const RecognizerOptions& options, ProgressBar* bar) {
  auto recognizer = Recognizer::Create(options, BuildProgressOn(bar));
  bar->Clear();
  return recognizer;
}

}  // namespace skald::cli
