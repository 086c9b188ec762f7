#include "engine/kaldi_import.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "base/audio.h"
#include "base/file.h"
#include "base/lines.h"
#include "decoder/graph/kaldi_graph.h"
#include "models/bundle/bundle.h"
#include "models/bundle/bundle_writer.h"
#include "models/importers/kaldi_config.h"
#include "models/importers/kaldi_features.h"
#include "models/importers/kaldi_ivector.h"
#include "models/importers/kaldi_network.h"
#include "models/importers/kaldi_nnet3.h"
#include "models/importers/kaldi_reader.h"
#include "models/importers/kaldi_transitions.h"

namespace skald {
namespace {

namespace fs = std::filesystem;

constexpr char kHead[] = "pdfs";
constexpr char kWeights[] = "model.safetensors", kIvectorWeights[] = "ivector.safetensors";
constexpr char kUnits[] = "units.txt", kGraph[] = "graph.skg";
/// Longest window, in frames of scores: five minutes at the usual 30 ms.
constexpr int kMaxFrames = 10000;
/// Kaldi's default of frames-per-chunk; its looped computation rounds it up to the subsampling.
constexpr int kFramesPerChunk = 24;
constexpr double kVoskSilenceWeight = 1e-3;
constexpr double kVoskGraphScale = 0.9;

/// Phones of silence where a model of Vosk has no model.conf.
constexpr char kVoskSilencePhones[] = "1:2:3:4:5:6:7:8:9:10";

/// Where the parts of a model are. Empty: not there.
struct KaldiModelFiles {
  std::string network, mfcc, model_config, subsampling;
  std::string hclg, lexicon, grammar, disambiguation, words, word_boundary, phones;
  std::optional<KaldiIvectorFiles> ivector;

  /// Kaldi's own folders say what Vosk takes for granted.
  bool IsVosk() const {
    const bool says = !subsampling.empty() || (ivector && !ivector->extractor_config.empty());
    return !model_config.empty() || !says;
  }
};

/// The first of `names` that is a file below one of `folders`; empty where none is.
std::string FindFile(const std::vector<std::string>& folders, const std::vector<std::string>& names) {
  std::error_code error;
  for (const std::string& folder : folders) {
    for (const std::string& name : names) {
      const fs::path path = fs::path(folder) / name;
      if (!folder.empty() && fs::is_regular_file(path, error)) return path.string();
    }
  }
  return "";
}

StatusOr<KaldiModelFiles> FindFiles(const std::string& folder, const std::string& graph_folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) return Status::NotFound("is no folder").InFile(folder);
  const std::vector<std::string> model{folder};
  const std::vector<std::string> graph{graph_folder, folder + "/graph", folder};
  KaldiModelFiles files;
  files.network = FindFile(model, {"am/final.mdl", "final.mdl"});
  files.mfcc = FindFile(model, {"conf/mfcc.conf", "mfcc.conf", "conf/mfcc_hires.conf"});
  files.model_config = FindFile(model, {"conf/model.conf"});
  files.subsampling = FindFile(model, {"frame_subsampling_factor"});
  files.hclg = FindFile(graph, {"HCLG.fst"});
  files.lexicon = FindFile(graph, {"HCLr.fst"});
  files.grammar = FindFile(graph, {"Gr.fst"});
  files.disambiguation = FindFile(graph, {"disambig_tid.int"});
  files.words = FindFile(graph, {"words.txt"});
  files.word_boundary = FindFile(graph, {"phones/word_boundary.int", "word_boundary.int"});
  files.phones = FindFile(graph, {"phones.txt"});
  if (files.network.empty())
    return Status::NotFound("there is no am/final.mdl and no final.mdl").InFile(folder);
  if (files.mfcc.empty())
    return Status::NotFound("there is no conf/mfcc.conf and no mfcc.conf").InFile(folder);
  if (files.hclg.empty() && (files.lexicon.empty() || files.grammar.empty())) {
    return Status::NotFound("there is no HCLG.fst, and not both of HCLr.fst and Gr.fst").InFile(folder);
  }
  const std::vector<std::string> ivector{folder + "/ivector", folder + "/ivector_extractor",
                                         folder + "/extractor"};
  KaldiIvectorFiles extractor;
  extractor.extractor = FindFile(ivector, {"final.ie"});
  if (extractor.extractor.empty()) return files;
  const auto need = [&](const char* name, std::string* path) {
    *path = FindFile(ivector, {name});
    return path->empty()
               ? Status::NotFound(std::string("there is no ") + name + " beside the i-vector extractor")
                     .InFile(folder)
               : Status::Ok();
  };
  SKALD_RETURN_IF_ERROR(need("final.dubm", &extractor.gaussians));
  SKALD_RETURN_IF_ERROR(need("final.mat", &extractor.projection));
  SKALD_RETURN_IF_ERROR(need("global_cmvn.stats", &extractor.cmvn_stats));
  std::vector<std::string> configs = ivector;
  configs.push_back(folder + "/conf");
  extractor.cmvn_config = FindFile(configs, {"online_cmvn.conf"});
  extractor.splice_config = FindFile(configs, {"splice.conf", "splice_opts"});
  extractor.extractor_config = FindFile(configs, {"ivector_extractor.conf"});
  files.ivector = std::move(extractor);
  return files;
}

/// The first number of a file of one.
StatusOr<int> ReadSubsampling(const KaldiModelFiles& files, const KaldiConfig& config) {
  if (!files.subsampling.empty()) {
    SKALD_ASSIGN_OR_RETURN(KaldiReader reader, KaldiReader::Open(files.subsampling));
    return reader.Integer("the frame subsampling factor", 1, 100);
  }
  return config.Integer("frame-subsampling-factor", 3, 1, 100);
}

StatusOr<std::vector<int32_t>> ReadNumbers(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(KaldiReader reader, KaldiReader::Open(path));
  std::vector<int32_t> numbers;
  while (!reader.AtEnd()) {
    SKALD_ASSIGN_OR_RETURN(const int32_t number, reader.Integer("a transition-id", 0, 1 << 30));
    numbers.push_back(number);
  }
  return numbers;
}

/// What phones mean for words.
struct PhoneRoles {
  std::set<int32_t> begins_word;  ///< first phones of words
  std::set<int32_t> outside;      ///< between words
  std::set<int32_t> silence;
  bool silence_is_told = false;  ///< the model's options have the phones of silence
};

Status ReadWordBoundaries(const std::string& path, PhoneRoles* roles) {
  SKALD_ASSIGN_OR_RETURN(KaldiReader reader, KaldiReader::Open(path));
  while (!reader.AtEnd()) {
    SKALD_ASSIGN_OR_RETURN(const int32_t phone, reader.Integer("a phone", 0, 1'000'000));
    SKALD_ASSIGN_OR_RETURN(const std::string kind, reader.Token());
    if (kind == "begin" || kind == "singleton") {
      roles->begins_word.insert(phone);
    } else if (kind == "nonword") {
      roles->outside.insert(phone);
    } else if (kind != "end" && kind != "internal") {
      return reader.Corrupt("a phone is nonword, begin, end, internal or singleton, not " + kind);
    }
  }
  return Status::Ok();
}

/// "1:2:3" of the endpointing options; else phones named like silence; else those outside of words.
StatusOr<PhoneRoles> ReadPhoneRoles(const KaldiModelFiles& files, const KaldiConfig& config) {
  PhoneRoles roles;
  if (!files.word_boundary.empty()) SKALD_RETURN_IF_ERROR(ReadWordBoundaries(files.word_boundary, &roles));
  const bool has_defaults = files.IsVosk() && files.model_config.empty();
  std::string list = config.Text("endpoint.silence-phones", has_defaults ? kVoskSilencePhones : "");
  roles.silence_is_told = !list.empty();
  for (char& c : list) c = c == ':' || c == ',' ? ' ' : c;
  KaldiReader reader = KaldiReader::FromBytes(list, config.path());
  while (!reader.AtEnd()) {
    SKALD_ASSIGN_OR_RETURN(const int32_t phone, reader.Integer("a silence phone", 1, 1'000'000));
    roles.silence.insert(phone);
  }
  if (roles.silence.empty() && !files.phones.empty()) {
    SKALD_ASSIGN_OR_RETURN(const std::string text, ReadFile(files.phones));
    SKALD_RETURN_IF_ERROR(ForEachLine(text, [&](std::string_view line) {
      const size_t blank = line.find(' ');
      std::string name(line.substr(0, blank));
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      name.resize(std::min(name.size(), name.find('_')));
      if (blank != std::string_view::npos && (name == "sil" || name == "sp")) {
        roles.silence.insert(std::atoi(std::string(line.substr(blank + 1)).c_str()));
      }
      return Status::Ok();
    }));
  }
  if (roles.silence.empty()) roles.silence = roles.outside;
  return roles;
}

/// Score columns and flags by transition-id. A phone begins with the transition that enters it: graphs are
/// made with self-loops behind it ("reorder").
std::vector<KaldiLabel> LabelsOf(const KaldiTransitionModel& transitions, const PhoneRoles& roles) {
  std::vector<KaldiLabel> labels(transitions.transitions.size());
  for (size_t id = 1; id < labels.size(); ++id) {
    const KaldiTransition& transition = transitions.transitions[id];
    labels[id].unit = static_cast<uint16_t>(transition.pdf + 1);
    if (roles.outside.count(transition.phone) != 0) {
      labels[id].flags = kArcWordSeparator;
    } else if (roles.begins_word.count(transition.phone) != 0 && transition.hmm_state == 0 &&
               !transition.self_loop) {
      labels[id].flags = kArcWordStart;
    }
  }
  return labels;
}

std::vector<int> SilenceUnits(const KaldiTransitionModel& transitions, const PhoneRoles& roles) {
  std::set<int> silence, speech;
  for (size_t id = 1; id < transitions.transitions.size(); ++id) {
    const KaldiTransition& transition = transitions.transitions[id];
    (roles.silence.count(transition.phone) != 0 ? silence : speech).insert(transition.pdf + 1);
  }
  std::vector<int> units;
  std::set_difference(silence.begin(), silence.end(), speech.begin(), speech.end(),
                      std::back_inserter(units));
  return units;
}

class Importer {
 public:
  Importer(KaldiModelFiles files, const KaldiImportOptions& options,
           const std::function<void(const std::string&)>& progress)
      : files_(std::move(files)), options_(options), progress_(progress) {}

  Status Import(const std::string& out) {
    if (!files_.model_config.empty()) {
      SKALD_ASSIGN_OR_RETURN(config_, KaldiConfig::Read(files_.model_config));
    }
    SKALD_RETURN_IF_ERROR(ReadModel());
    SKALD_ASSIGN_OR_RETURN(BundleWriter writer, BundleWriter::Create(out));
    Report("writing the network");
    SKALD_RETURN_IF_ERROR(WriteModel(writer));
    Report(files_.hclg.empty() ? "composing HCLr and Gr: minutes" : "converting the graph");
    SKALD_RETURN_IF_ERROR(WriteGraph(writer));
    Report("checksums");
    SKALD_ASSIGN_OR_RETURN(BundleManifest manifest, Manifest());
    return writer.Finish(std::move(manifest));
  }

 private:
  void Report(const std::string& what) const {
    if (progress_) progress_(what);
  }

  Status ReadModel() {
    SKALD_ASSIGN_OR_RETURN(const KaldiConfig mfcc, KaldiConfig::Read(files_.mfcc));
    SKALD_ASSIGN_OR_RETURN(features_, ReadKaldiMfccConfig(mfcc));
    if (features_.sample_rate_hz != kSampleRateHz) {
      return Status::Unsupported("features at " + std::to_string(features_.sample_rate_hz) + " Hz")
          .InFile(files_.mfcc);
    }
    Report("reading the network");
    SKALD_ASSIGN_OR_RETURN(KaldiReader reader, KaldiReader::Open(files_.network));
    SKALD_ASSIGN_OR_RETURN(transitions_, ReadKaldiTransitionModel(&reader));
    SKALD_ASSIGN_OR_RETURN(const KaldiNnet3 nnet3, ReadKaldiNnet3(&reader));
    SKALD_ASSIGN_OR_RETURN(network_, ConvertKaldiNetwork(nnet3));
    Nnet3Sizes& sizes = network_.sizes;
    SKALD_ASSIGN_OR_RETURN(sizes.subsampling, ReadSubsampling(files_, config_));
    sizes.max_frames = kMaxFrames;
    SKALD_ASSIGN_OR_RETURN(roles_, ReadPhoneRoles(files_, config_));
    sizes.silence_units = SilenceUnits(transitions_, roles_);
    SKALD_ASSIGN_OR_RETURN(shape_, ShapeOfNnet3(sizes));
    if (shape_.widths.back() < transitions_.pdfs || shape_.widths.back() > 65535) {
      return Status::Corrupt("the network has " + std::to_string(shape_.widths.back()) +
                             " outputs, the HMMs " + std::to_string(transitions_.pdfs) + " pdfs")
          .InFile(files_.network);
    }
    if (sizes.feature_bins != features_.bins) {
      return Status::Corrupt("features of " + std::to_string(features_.bins) + " values, the network takes " +
                             std::to_string(sizes.feature_bins))
          .InFile(files_.mfcc);
    }
    return ReadIvector();
  }

  Status ReadIvector() {
    if (network_.sizes.ivector_size == 0) return Status::Ok();
    if (!files_.ivector)
      return Status::NotFound("the network takes i-vectors, and there is no final.ie").InFile(files_.network);
    Report("reading the i-vector extractor");
    SKALD_ASSIGN_OR_RETURN(ivector_, ReadKaldiIvector(*files_.ivector, features_.bins));
    if (ivector_->size != network_.sizes.ivector_size) {
      return Status::Corrupt("i-vectors of " + std::to_string(ivector_->size) +
                             " values, the network takes " + std::to_string(network_.sizes.ivector_size))
          .InFile(files_.ivector->extractor);
    }
    const int subsampling = network_.sizes.subsampling;
    SKALD_ASSIGN_OR_RETURN(const int advised, config_.Integer("frames-per-chunk", kFramesPerChunk, 1, 10000));
    ivector_->settings["chunk_frames"] = (advised + subsampling - 1) / subsampling * subsampling;
    ivector_->settings["right_context"] = shape_.right_context;
    // Vosk weighs frames by its search wherever it knows phones of silence.
    if (files_.IsVosk() && roles_.silence_is_told) {
      ivector_->settings["silence_weight"] = kVoskSilenceWeight;
    }
    ivector_->settings["step_samples"] = 0.2 * features_.sample_rate_hz;
    return Status::Ok();
  }

  std::vector<std::string> Units() const {
    std::vector<std::string> units{"<silence>"};
    for (int pdf = 0; pdf < shape_.widths.back(); ++pdf) units.push_back("pdf-" + std::to_string(pdf));
    return units;
  }

  Status WriteModel(const BundleWriter& writer) const {
    SKALD_RETURN_IF_ERROR(WriteSafetensors(writer.PathOf(kWeights), network_.tensors));
    if (ivector_) SKALD_RETURN_IF_ERROR(WriteSafetensors(writer.PathOf(kIvectorWeights), ivector_->tensors));
    return WriteFileAtomically(writer.PathOf(kUnits), TokenListText(Units()));
  }

  Status WriteGraph(const BundleWriter& writer) const {
    KaldiGraphSources sources;
    sources.hclg_path = files_.hclg;
    sources.words_path = files_.words;
    sources.units = Units();
    sources.labels = LabelsOf(transitions_, roles_);
    if (files_.hclg.empty()) {
      sources.lexicon_path = files_.lexicon;
      sources.grammar_path = files_.grammar;
      if (files_.disambiguation.empty())
        return Status::NotFound("there is no disambig_tid.int").InFile(files_.lexicon);
      SKALD_ASSIGN_OR_RETURN(sources.disambiguation, ReadNumbers(files_.disambiguation));
    }
    SKALD_ASSIGN_OR_RETURN(const GraphImage graph, BuildKaldiGraph(sources));
    return WriteGraphImage(graph, writer.PathOf(kGraph));
  }

  /// Defaults are those of Kaldi's decoders.
  StatusOr<HeadDescription> Head() const {
    HeadDescription head;
    head.units_file = kUnits;
    head.units = shape_.widths.back() + 1;
    SKALD_ASSIGN_OR_RETURN(const double scale, config_.Number("acoustic-scale", 1.0, 1e-3, 1000));
    head.lm_scale = 1.0 / scale;
    SKALD_ASSIGN_OR_RETURN(head.beam, config_.Number("beam", 13.0, 0.1, 1000));
    SKALD_ASSIGN_OR_RETURN(head.lattice_beam, config_.Number("lattice-beam", 6.0, 0.1, 1000));
    SKALD_ASSIGN_OR_RETURN(head.max_active, config_.Integer("max-active", 7000, 1, 100'000'000));
    // As for Kaldi, min_active must be less than max_active.
    SKALD_ASSIGN_OR_RETURN(head.min_active, config_.Integer("min-active", 200, 0, *head.max_active - 1));
    head.posterior_scale = 1.0;
    if (files_.IsVosk()) head.graph_scale = kVoskGraphScale;
    return head;
  }

  StatusOr<BundleManifest> Manifest() const {
    BundleManifest manifest;
    manifest.name = options_.name;
    manifest.licence = options_.licence;
    manifest.language = options_.language;
    manifest.sizes = network_.sizes;
    manifest.weights_file = kWeights;
    manifest.features = features_;
    if (ivector_) manifest.ivector = {kIvectorWeights, ivector_->size, ivector_->settings};
    manifest.frame_shift_s = static_cast<double>(network_.sizes.subsampling) * features_.frame_shift_samples /
                             features_.sample_rate_hz;
    SKALD_ASSIGN_OR_RETURN(manifest.heads[kHead], Head());
    manifest.search_head = manifest.greedy_head = kHead;
    manifest.graph_file = kGraph;
    return manifest;
  }

  const KaldiModelFiles files_;
  const KaldiImportOptions& options_;
  const std::function<void(const std::string&)>& progress_;
  KaldiConfig config_;
  FeatureDescription features_;
  KaldiTransitionModel transitions_;
  KaldiNetwork network_;
  PhoneRoles roles_;
  Nnet3Shape shape_;
  std::optional<ImportedIvector> ivector_;
};

}  // namespace

Status ImportKaldiModel(const std::string& folder, const std::string& out, const KaldiImportOptions& options,
                        const std::function<void(const std::string&)>& progress) {
  std::error_code error;
  if (fs::exists(out, error)) return Status::InvalidArgument("exists already").InFile(out);
  SKALD_ASSIGN_OR_RETURN(KaldiModelFiles files, FindFiles(folder, options.graph_folder));
  KaldiImportOptions named = options;
  if (named.name.empty()) {
    const fs::path path = fs::absolute(folder, error).lexically_normal();
    named.name = (path.has_filename() ? path : path.parent_path()).filename().string();
  }
  return Importer(std::move(files), named, progress).Import(out);
}

}  // namespace skald
