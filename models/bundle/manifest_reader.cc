#include "models/bundle/manifest_reader.h"

#include <cmath>

#include "models/bundle/architecture_reader.h"
#include "models/bundle/strict_json.h"

namespace skald {
namespace {

constexpr int64_t kFormatVersion = 1;

/// Names stay inside the bundle's folder: no absolute paths, no "..".
bool IsPlainRelativePath(const std::string& name) {
  if (name.empty() || name.front() == '/' || name.find('\\') != std::string::npos) return false;
  size_t start = 0;
  while (start <= name.size()) {
    const size_t end = std::min(name.find('/', start), name.size());
    const std::string part = name.substr(start, end - start);
    if (part.empty() || part == "." || part == "..") return false;
    start = end + 1;
  }
  return true;
}

Status ReadFiles(const JsonObject& root, BundleManifest* manifest) {
  SKALD_ASSIGN_OR_RETURN(const JsonObject files, root.Object("files"));
  for (const auto& [name, value] : files.json().items()) {
    if (!IsPlainRelativePath(name))
      return Status::Corrupt("\"" + files.PathOf(name) + "\" leaves the bundle's folder");
    SKALD_ASSIGN_OR_RETURN(const JsonObject entry, files.Object(name));
    BundleManifest::File file;
    SKALD_ASSIGN_OR_RETURN(file.bytes, entry.Integer("bytes", 0, int64_t{1} << 40));
    SKALD_ASSIGN_OR_RETURN(file.sha256, entry.String("sha256", 64));
    if (file.sha256.size() != 64 || file.sha256.find_first_not_of("0123456789abcdef") != std::string::npos) {
      return Status::Corrupt("\"" + entry.PathOf("sha256") + "\" is not 64 lower-case hex digits");
    }
    manifest->files.emplace(name, std::move(file));
  }
  return Status::Ok();
}

/// A member that names a file of the bundle; empty where absent and not required.
StatusOr<std::string> FileMember(const JsonObject& object, const std::string& member, bool required,
                                 const BundleManifest& manifest) {
  if (!required && !object.Has(member)) return std::string();
  SKALD_ASSIGN_OR_RETURN(std::string name, object.String(member));
  if (!manifest.files.contains(name)) {
    return Status::Corrupt("\"" + object.PathOf(member) + "\" names " + name +
                           ", which \"files\" does not list");
  }
  return name;
}

Status ReadArchitecture(const JsonObject& root, BundleManifest* manifest) {
  SKALD_ASSIGN_OR_RETURN(const JsonObject object, root.Object("architecture"));
  SKALD_ASSIGN_OR_RETURN(manifest->sizes, ReadArchitectureSizes(object));
  SKALD_ASSIGN_OR_RETURN(manifest->weights_file, FileMember(object, "weights", true, *manifest));
  return Status::Ok();
}

/// Numbers by name.
Status ReadSettings(const JsonObject& object, std::map<std::string, double>* settings) {
  if (!object.Has("settings")) return Status::Ok();
  SKALD_ASSIGN_OR_RETURN(const JsonObject list, object.Object("settings"));
  for (const auto& [name, value] : list.json().items()) {
    SKALD_ASSIGN_OR_RETURN((*settings)[name], list.Number(name, -1e12, 1e12));
  }
  return Status::Ok();
}

Status ReadIvector(const JsonObject& root, BundleManifest* manifest) {
  if (!root.Has("ivector")) return Status::Ok();
  SKALD_ASSIGN_OR_RETURN(const JsonObject object, root.Object("ivector"));
  IvectorDescription& ivector = manifest->ivector.emplace();
  SKALD_ASSIGN_OR_RETURN(ivector.weights_file, FileMember(object, "weights", true, *manifest));
  SKALD_ASSIGN_OR_RETURN(const int64_t size, object.Integer("size", 1, 2000));
  ivector.size = static_cast<int>(size);
  return ReadSettings(object, &ivector.settings);
}

Status ReadFeatures(const JsonObject& root, BundleManifest* manifest) {
  SKALD_ASSIGN_OR_RETURN(const JsonObject object, root.Object("features"));
  FeatureDescription& features = manifest->features;
  SKALD_ASSIGN_OR_RETURN(features.type, object.String("type"));
  SKALD_ASSIGN_OR_RETURN(const int64_t bins, object.Integer("bins", 1, 1024));
  SKALD_ASSIGN_OR_RETURN(const int64_t rate, object.Integer("sample_rate_hz", 4000, 192000));
  SKALD_ASSIGN_OR_RETURN(const int64_t length, object.Integer("frame_length_samples", 1, 65536));
  SKALD_ASSIGN_OR_RETURN(const int64_t shift, object.Integer("frame_shift_samples", 1, 65536));
  features.bins = static_cast<int>(bins);
  features.sample_rate_hz = static_cast<int>(rate);
  features.frame_length_samples = static_cast<int>(length);
  features.frame_shift_samples = static_cast<int>(shift);
  SKALD_ASSIGN_OR_RETURN(const int64_t minimum, object.IntegerOr("minimum_samples", 0, 1 << 20, 0));
  features.minimum_samples = static_cast<int>(minimum);
  SKALD_RETURN_IF_ERROR(ReadSettings(object, &features.settings));
  const int width = features.bins + (manifest->ivector ? manifest->ivector->size : 0);
  if (width != FeatureBins(manifest->sizes)) {
    return Status::Corrupt((manifest->ivector ? "\"features.bins\" and \"ivector.size\" differ from the "
                                              : "\"features.bins\" differs from the ") +
                           std::to_string(FeatureBins(manifest->sizes)) + " that the architecture takes");
  }
  SKALD_ASSIGN_OR_RETURN(manifest->frame_shift_s, root.Number("frame_shift_s", 1e-4, 10.0));
  const double expected = static_cast<double>(FeatureFramesPerScore(manifest->sizes)) *
                          features.frame_shift_samples / features.sample_rate_hz;
  if (std::abs(manifest->frame_shift_s - expected) > 1e-9) {
    return Status::Corrupt("\"frame_shift_s\" does not follow from features and architecture, which give " +
                           nlohmann::json(expected).dump());
  }
  return Status::Ok();
}

Status ReadConfidenceMap(const JsonObject& head, ConfidenceMap* map) {
  if (!head.Has("confidence_map")) return Status::Ok();
  const auto bad = [&](const std::string& reason) {
    return Status::Corrupt("\"" + head.PathOf("confidence_map") + "\": " + reason);
  };
  const nlohmann::json& list = head.json().at("confidence_map");
  if (!list.is_array() || list.size() > 1000) return bad("not a list of at most 1000 points");
  std::vector<ConfidenceMap::Point> points;
  for (const nlohmann::json& point : list) {
    if (!point.is_array() || point.size() != 2 || !point[0].is_number() || !point[1].is_number()) {
      return bad("a point is a pair of numbers");
    }
    points.push_back({point[0].get<double>(), point[1].get<double>()});
  }
  StatusOr<ConfidenceMap> read = ConfidenceMap::Create(std::move(points));
  if (!read.ok()) return bad(read.status().reason());
  *map = std::move(read).value();
  return Status::Ok();
}

/// What the head is best searched with.
Status ReadSearch(const JsonObject& head, HeadDescription* description) {
  if (!head.Has("search")) return Status::Ok();
  SKALD_ASSIGN_OR_RETURN(const JsonObject object, head.Object("search"));
  const auto number = [&](const char* name, double low, double high, std::optional<double>* value) -> Status {
    if (!object.Has(name)) return Status::Ok();
    SKALD_ASSIGN_OR_RETURN(*value, object.Number(name, low, high));
    return Status::Ok();
  };
  SKALD_RETURN_IF_ERROR(number("beam", 0.1, 1000, &description->beam));
  SKALD_RETURN_IF_ERROR(number("lattice_beam", 0.1, 1000, &description->lattice_beam));
  SKALD_RETURN_IF_ERROR(number("posterior_scale", 1e-3, 100, &description->posterior_scale));
  SKALD_RETURN_IF_ERROR(number("graph_scale", 1e-3, 100, &description->graph_scale));
  const auto count = [&](const char* name, int64_t low, std::optional<int>* value) -> Status {
    if (!object.Has(name)) return Status::Ok();
    SKALD_ASSIGN_OR_RETURN(const int64_t number, object.Integer(name, low, 100'000'000));
    *value = static_cast<int>(number);
    return Status::Ok();
  };
  SKALD_RETURN_IF_ERROR(count("max_active", 1, &description->max_active));
  SKALD_RETURN_IF_ERROR(count("min_active", 0, &description->min_active));
  return Status::Ok();
}

Status ReadHead(const JsonObject& object, const BundleManifest& manifest, HeadDescription* head) {
  SKALD_ASSIGN_OR_RETURN(head->units_file, FileMember(object, "units_file", true, manifest));
  SKALD_ASSIGN_OR_RETURN(const int64_t units, object.Integer("units", 2, 65536));
  head->units = static_cast<int>(units);
  SKALD_ASSIGN_OR_RETURN(const int64_t blank, object.Integer("blank", 0, 0));
  head->blank = static_cast<int>(blank);
  SKALD_ASSIGN_OR_RETURN(head->word_separator, object.StringOr("word_separator", ""));
  SKALD_ASSIGN_OR_RETURN(head->word_start_marker, object.StringOr("word_start_marker", ""));
  SKALD_ASSIGN_OR_RETURN(head->sentencepiece_file, FileMember(object, "sentencepiece", false, manifest));
  SKALD_ASSIGN_OR_RETURN(head->lm_scale, object.NumberOr("lm_scale", 0.0, 100.0, 1.0));
  SKALD_ASSIGN_OR_RETURN(head->word_penalty, object.NumberOr("word_penalty", -100.0, 100.0, 0.0));
  SKALD_ASSIGN_OR_RETURN(head->blank_penalty, object.NumberOr("blank_penalty", -100.0, 100.0, 0.0));
  SKALD_RETURN_IF_ERROR(ReadConfidenceMap(object, &head->confidence_map));
  SKALD_RETURN_IF_ERROR(ReadSearch(object, head));
  SKALD_ASSIGN_OR_RETURN(head->uses_pronunciations, object.FlagOr("uses_pronunciations", false));
  return Status::Ok();
}

StatusOr<std::string> HeadName(const JsonObject& root, const std::string& member,
                               const BundleManifest& manifest) {
  SKALD_ASSIGN_OR_RETURN(std::string name, root.String(member));
  if (!manifest.heads.contains(name)) {
    return Status::Corrupt("\"" + member + "\" names head " + name + ", which \"heads\" does not have");
  }
  return name;
}

StatusOr<HeadCombination> ReadCombination(const JsonObject& object, const BundleManifest& manifest) {
  const auto bad = [&](const std::string& reason) {
    return Status::Corrupt("\"" + object.PathOf("heads") + "\": " + reason);
  };
  HeadCombination combination;
  const nlohmann::json& heads = object.json().value("heads", nlohmann::json());
  if (!heads.is_array() || heads.size() < 2) return bad("not a list of two heads or more");
  for (const nlohmann::json& head : heads) {
    if (!head.is_array() || head.size() != 2 || !head[0].is_string() || !head[1].is_number())
      return bad("a head is a pair of name and weight");
    const auto name = head[0].get<std::string>();
    const auto weight = head[1].get<double>();
    if (!manifest.heads.contains(name)) return bad("there is no head " + name);
    for (const auto& [other, other_weight] : combination.heads) {
      if (other == name) return bad("head " + name + " is there twice");
    }
    if (!(weight >= 0 && weight <= 1e6)) return bad("weights are 0 to 1e6");
    combination.heads.emplace_back(name, weight);
  }
  SKALD_RETURN_IF_ERROR(ReadConfidenceMap(object, &combination.confidence_map));
  return combination;
}

Status ReadCombinations(const JsonObject& root, BundleManifest* manifest) {
  if (!root.Has("head_combinations")) return Status::Ok();
  const nlohmann::json& list = root.json().at("head_combinations");
  if (!list.is_array() || list.size() > 100)
    return Status::Corrupt("\"head_combinations\" is not a list of at most 100");
  for (size_t i = 0; i < list.size(); ++i) {
    SKALD_ASSIGN_OR_RETURN(const JsonObject object,
                           JsonObject::Of(list[i], "head_combinations[" + std::to_string(i) + "]"));
    SKALD_ASSIGN_OR_RETURN(HeadCombination combination, ReadCombination(object, *manifest));
    manifest->combinations.push_back(std::move(combination));
  }
  return Status::Ok();
}

}  // namespace

StatusOr<BundleManifest> ReadBundleManifest(std::string_view json_text) {
  SKALD_ASSIGN_OR_RETURN(const nlohmann::json json, ParseStrictJson(json_text));
  SKALD_ASSIGN_OR_RETURN(const JsonObject root, JsonObject::Of(json, ""));
  SKALD_ASSIGN_OR_RETURN(const int64_t version, root.Integer("skald_bundle", 1, 1 << 20));
  if (version != kFormatVersion) {
    return Status::Unsupported("bundle format " + std::to_string(version) + "; this version of Skald reads " +
                               std::to_string(kFormatVersion));
  }
  BundleManifest manifest;
  SKALD_ASSIGN_OR_RETURN(manifest.name, root.String("name"));
  SKALD_ASSIGN_OR_RETURN(manifest.licence, root.String("licence"));
  SKALD_ASSIGN_OR_RETURN(manifest.language, root.String("language"));
  SKALD_ASSIGN_OR_RETURN(manifest.card, ReadModelCard(root));
  SKALD_RETURN_IF_ERROR(ReadFiles(root, &manifest));
  SKALD_RETURN_IF_ERROR(ReadArchitecture(root, &manifest));
  SKALD_RETURN_IF_ERROR(ReadIvector(root, &manifest));
  SKALD_RETURN_IF_ERROR(ReadFeatures(root, &manifest));
  SKALD_ASSIGN_OR_RETURN(const JsonObject heads, root.Object("heads"));
  for (const auto& [name, value] : heads.json().items()) {
    SKALD_ASSIGN_OR_RETURN(const JsonObject object, heads.Object(name));
    HeadDescription head;
    SKALD_RETURN_IF_ERROR(ReadHead(object, manifest, &head));
    manifest.heads.emplace(name, std::move(head));
  }
  SKALD_RETURN_IF_ERROR(ReadCombinations(root, &manifest));
  SKALD_ASSIGN_OR_RETURN(manifest.search_head, HeadName(root, "search_head", manifest));
  SKALD_ASSIGN_OR_RETURN(manifest.greedy_head, HeadName(root, "greedy_head", manifest));
  SKALD_ASSIGN_OR_RETURN(manifest.words_file, FileMember(root, "words", false, manifest));
  SKALD_ASSIGN_OR_RETURN(manifest.pronunciations_file, FileMember(root, "pronunciations", false, manifest));
  SKALD_ASSIGN_OR_RETURN(manifest.lm_file, FileMember(root, "lm", false, manifest));
  SKALD_ASSIGN_OR_RETURN(manifest.lm_large_file, FileMember(root, "lm_large", false, manifest));
  SKALD_ASSIGN_OR_RETURN(manifest.graph_file, FileMember(root, "graph", false, manifest));
  return manifest;
}

}  // namespace skald
