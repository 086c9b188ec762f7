#include "models/bundle/bundle_writer.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "models/bundle/architecture_reader.h"
#include "models/bundle/manifest_reader.h"

namespace skald {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Json HeadToJson(const HeadDescription& head) {
  Json json = {{"units_file", head.units_file}, {"units", head.units}, {"blank", head.blank}};
  if (!head.word_separator.empty()) json["word_separator"] = head.word_separator;
  if (!head.word_start_marker.empty()) json["word_start_marker"] = head.word_start_marker;
  if (!head.sentencepiece_file.empty()) json["sentencepiece"] = head.sentencepiece_file;
  if (head.uses_pronunciations) json["uses_pronunciations"] = true;
  json["lm_scale"] = head.lm_scale;
  if (head.word_penalty != 0) json["word_penalty"] = head.word_penalty;
  if (head.blank_penalty != 0) json["blank_penalty"] = head.blank_penalty;
  if (head.beam) json["search"]["beam"] = *head.beam;
  if (head.lattice_beam) json["search"]["lattice_beam"] = *head.lattice_beam;
  if (head.max_active) json["search"]["max_active"] = *head.max_active;
  if (head.min_active) json["search"]["min_active"] = *head.min_active;
  if (head.posterior_scale) json["search"]["posterior_scale"] = *head.posterior_scale;
  if (head.graph_scale) json["search"]["graph_scale"] = *head.graph_scale;
  return json;
}

}  // namespace

std::string BundleManifestToJson(const BundleManifest& manifest) {
  Json json = {{"skald_bundle", 1},
               {"name", manifest.name},
               {"licence", manifest.licence},
               {"language", manifest.language}};
  if (!manifest.card.empty()) json["card"] = ModelCardToJson(manifest.card);
  json["architecture"] = ArchitectureSizesToJson(manifest.sizes);
  json["architecture"]["weights"] = manifest.weights_file;
  const FeatureDescription& features = manifest.features;
  json["features"] = {{"type", features.type},
                      {"bins", features.bins},
                      {"sample_rate_hz", features.sample_rate_hz},
                      {"frame_length_samples", features.frame_length_samples},
                      {"frame_shift_samples", features.frame_shift_samples}};
  if (features.minimum_samples > 0) json["features"]["minimum_samples"] = features.minimum_samples;
  if (!features.settings.empty()) json["features"]["settings"] = features.settings;
  if (manifest.ivector) {
    const IvectorDescription& ivector = *manifest.ivector;
    json["ivector"] = {
        {"weights", ivector.weights_file}, {"size", ivector.size}, {"settings", ivector.settings}};
  }
  json["frame_shift_s"] = manifest.frame_shift_s;
  for (const auto& [name, head] : manifest.heads) json["heads"][name] = HeadToJson(head);
  json["search_head"] = manifest.search_head;
  json["greedy_head"] = manifest.greedy_head;
  const std::pair<const char*, const std::string&> named[] = {
      {"words", manifest.words_file},
      {"pronunciations", manifest.pronunciations_file},
      {"lm", manifest.lm_file},
      {"lm_large", manifest.lm_large_file},
      {"graph", manifest.graph_file}};
  for (const auto& [member, file] : named) {
    if (!file.empty()) json[member] = file;
  }
  for (const auto& [name, file] : manifest.files) {
    json["files"][name] = {{"bytes", file.bytes}, {"sha256", file.sha256}};
  }
  return json.dump(1) + "\n";
}

BundleWriter::BundleWriter(std::string folder) : folder_(std::move(folder)), part_(folder_ + ".part") {}
BundleWriter::BundleWriter(BundleWriter&& other) noexcept
    : folder_(std::move(other.folder_)), part_(std::exchange(other.part_, std::string())) {}

BundleWriter::~BundleWriter() {
  std::error_code ignored;
  if (!part_.empty()) fs::remove_all(part_, ignored);
}

StatusOr<BundleWriter> BundleWriter::Create(const std::string& folder) {
  std::string name = folder;
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  std::error_code error;
  if (fs::exists(name, error)) return Status::InvalidArgument("exists already").InFile(name);
  BundleWriter writer(std::move(name));
  fs::remove_all(writer.part_, error);
  fs::create_directories(writer.part_, error);
  if (error) return Status::Io(error.message()).InFile(writer.part_);
  return writer;
}

Status BundleWriter::Finish(BundleManifest manifest) {
  manifest.files.clear();
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(part_, error)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file(error) || entry.path().extension() == ".md") continue;
    SKALD_ASSIGN_OR_RETURN(std::string sha256, Sha256HexOfFile(entry.path().string()));
    manifest.files[name] = {static_cast<int64_t>(entry.file_size(error)), std::move(sha256)};
  }
  const std::string text = BundleManifestToJson(manifest);
  if (StatusOr<BundleManifest> read = ReadBundleManifest(text); !read.ok()) return std::move(read).status();
  SKALD_RETURN_IF_ERROR(WriteFileAtomically(PathOf("bundle.json"), text));
  fs::rename(part_, folder_, error);
  if (error) return Status::Io(error.message()).InFile(folder_);
  part_.clear();
  return Status::Ok();
}

std::string TokenListText(const std::vector<std::string>& symbols) {
  std::string text;
  for (size_t id = 0; id < symbols.size(); ++id) text += symbols[id] + " " + std::to_string(id) + "\n";
  return text;
}

}  // namespace skald
