#include "models/importers/hugging_face.h"

#include <filesystem>
#include <utility>

#include "base/file.h"
#include "models/bundle/architecture_reader.h"
#include "models/bundle/bundle_writer.h"
#include "models/importers/network_importers.h"

namespace skald {
namespace {

namespace fs = std::filesystem;

/// A kind of checkpoint: its class, and the functions that read it.
struct Importer {
  const char* model_type;
  const char* class_name;  ///< what "architectures" must name; empty: anything
  StatusOr<ImportedNetwork> (*read_config)(const Checkpoint&);
  Status (*copy_tensors)(const Checkpoint&, const ImportedNetwork&, const std::vector<int>&, TensorCopier*);
};

constexpr Importer kImporters[] = {
    {"wav2vec2", "Wav2Vec2ForCTC", ReadWav2Vec2Config, CopyWav2Vec2Tensors},
    {"hubert", "HubertForCTC", ReadWav2Vec2Config, CopyWav2Vec2Tensors},
    {"parakeet_ctc", "ParakeetForCTC", ReadParakeetConfig, CopyParakeetTensors},
    {"whisper", "", ReadWhisperConfig, CopyWhisperTensors},
};

StatusOr<const Importer*> FindImporter(const Checkpoint& checkpoint) {
  const std::string path = checkpoint.PathOf("config.json");
  const nlohmann::json& config = checkpoint.config();
  if (!config.contains("model_type") || !config["model_type"].is_string()) {
    return Status::Corrupt("\"model_type\" is missing").InFile(path);
  }
  const std::string type = config["model_type"].get<std::string>();
  for (const Importer& importer : kImporters) {
    if (type != importer.model_type) continue;
    const std::string wanted = importer.class_name;
    if (wanted.empty()) return &importer;
    const bool named = config.contains("architectures") && config["architectures"].is_array() &&
                       !config["architectures"].empty() && config["architectures"][0] == wanted;
    if (!named) {
      const std::string is = config.contains("architectures") ? config["architectures"].dump() : "missing";
      return Status::Unsupported("\"architectures\" is " + is + "; of " + type + " Skald imports " + wanted)
          .InFile(path);
    }
    return &importer;
  }
  return Status::Unsupported("\"model_type\" \"" + type +
                             "\"; Skald imports wav2vec2, hubert, parakeet_ctc and whisper")
      .InFile(path);
}

/// The value of `key` in the front matter of a model card ("---" lines around YAML): a plain scalar, or the
/// first item of a list; empty where there is none.
std::string FrontMatterValue(const std::string& text, const std::string& key) {
  if (!text.starts_with("---\n")) return {};
  const size_t end = text.find("\n---", 3);
  if (end == std::string::npos) return {};
  const size_t start = text.find("\n" + key + ":");
  if (start == std::string::npos || start > end) return {};
  std::string value =
      text.substr(start + key.size() + 2, text.find('\n', start + 1) - start - key.size() - 2);
  const auto trim = [](std::string* s) {
    while (!s->empty() && (s->front() == ' ' || s->front() == '-' || s->front() == '"')) s->erase(0, 1);
    while (!s->empty() && (s->back() == ' ' || s->back() == '\r' || s->back() == '"')) s->pop_back();
  };
  trim(&value);
  if (value.empty()) {  // a list below
    const size_t line = text.find('\n', start + 1) + 1;
    if (line < end && text[line] == '-') value = text.substr(line, text.find('\n', line) - line);
    trim(&value);
  }
  return value.size() <= 100 ? value : std::string();
}

/// What a bundle may have, before tensors are looked for.
Status CheckSizes(const ArchitectureSizes& sizes, const std::string& path) {
  const nlohmann::json json = ArchitectureSizesToJson(sizes);
  SKALD_ASSIGN_OR_RETURN(const JsonObject object, JsonObject::Of(json, "architecture"));
  StatusOr<ArchitectureSizes> read = ReadArchitectureSizes(object);
  return read.ok() ? Status::Ok() : std::move(read).status().InFile(path);
}

Status WriteUnits(const CheckpointUnits& units, const BundleWriter& writer, HeadDescription* head) {
  std::vector<std::string> ordered;
  for (const int unit : units.BundleOrder()) ordered.push_back(units.symbols[static_cast<size_t>(unit)]);
  head->units_file = "tokens.txt";
  head->units = static_cast<int>(ordered.size());
  head->word_separator = units.word_separator;
  head->word_start_marker = units.word_start_marker;
  SKALD_RETURN_IF_ERROR(WriteFileAtomically(writer.PathOf(head->units_file), TokenListText(ordered)));
  if (units.sentencepiece.empty()) return Status::Ok();
  head->sentencepiece_file = "units.model";
  return WriteFileAtomically(writer.PathOf(head->sentencepiece_file), units.sentencepiece);
}

Status CopyLanguageModel(const std::string& path, const BundleWriter& writer, std::string* name) {
  SKALD_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  *name = bytes.starts_with("\x1f\x8b") ? "lm.arpa.gz" : "lm.arpa";
  return WriteFileAtomically(writer.PathOf(*name), bytes);
}

/// The checkpoint's model card; empty where there is none.
std::string ReadCard(const Checkpoint& checkpoint) {
  if (!checkpoint.HasFile("README.md")) return {};
  StatusOr<std::string> text = ReadFile(checkpoint.PathOf("README.md"), size_t{1} << 20);
  return text.ok() ? std::move(text).value() : std::string();  // a card that cannot be read says nothing
}

/// Name, licence and language: as asked for, else from the checkpoint's card.
void NameBundle(const Checkpoint& checkpoint, const std::string& card,
                const HuggingFaceImportOptions& options, BundleManifest* manifest) {
  const auto choose = [&card](const std::string& asked, const char* key, const char* otherwise) {
    if (!asked.empty()) return asked;
    std::string value = FrontMatterValue(card, key);
    return value.empty() ? std::string(otherwise) : value;
  };
  manifest->name = options.name;
  if (manifest->name.empty()) {
    manifest->name = fs::path(checkpoint.folder() + "/").lexically_normal().parent_path().filename().string();
  }
  manifest->licence = choose(options.licence, "license", "unknown");
  manifest->language = choose(options.language, "language", "und");
}

}  // namespace

Status ImportHuggingFace(const std::string& checkpoint_folder, const std::string& bundle_folder,
                         const HuggingFaceImportOptions& options) {
  SKALD_ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(checkpoint_folder));
  SKALD_ASSIGN_OR_RETURN(const Importer* importer, FindImporter(checkpoint));
  StatusOr<ImportedNetwork> network = importer->read_config(checkpoint);
  if (!network.ok()) return std::move(network).status().InFile(checkpoint.PathOf("config.json"));
  SKALD_RETURN_IF_ERROR(CheckSizes(network->sizes, checkpoint.PathOf("config.json")));
  SKALD_ASSIGN_OR_RETURN(const CheckpointUnits units, ReadCheckpointUnits(checkpoint, network->outputs,
                                                                          network->blank, options.unit_case));
  TensorCopier tensors(checkpoint);
  SKALD_RETURN_IF_ERROR(importer->copy_tensors(checkpoint, *network, units.BundleOrder(), &tensors));

  BundleManifest manifest;
  manifest.sizes = network->sizes;
  manifest.features = network->features;
  manifest.frame_shift_s = static_cast<double>(FeatureFramesPerScore(manifest.sizes)) *
                           manifest.features.frame_shift_samples / manifest.features.sample_rate_hz;
  const std::string card = ReadCard(checkpoint);
  NameBundle(checkpoint, card, options, &manifest);
  SKALD_ASSIGN_OR_RETURN(BundleWriter writer, BundleWriter::Create(bundle_folder));
  HeadDescription head;
  head.lm_scale = options.lm_scale;
  SKALD_RETURN_IF_ERROR(WriteUnits(units, writer, &head));
  manifest.heads[kImportedHead] = head;
  manifest.search_head = manifest.greedy_head = kImportedHead;
  manifest.weights_file = "model.safetensors";
  SKALD_RETURN_IF_ERROR(WriteSafetensors(writer.PathOf(manifest.weights_file), tensors.tensors()));
  if (!card.empty()) SKALD_RETURN_IF_ERROR(WriteFileAtomically(writer.PathOf("README.md"), card));
  if (!options.lm_path.empty()) {
    SKALD_RETURN_IF_ERROR(CopyLanguageModel(options.lm_path, writer, &manifest.lm_file));
  }
  return writer.Finish(std::move(manifest));
}

}  // namespace skald
