#include "models/importers/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <utility>

#include "base/file.h"

namespace skald {
namespace {

namespace fs = std::filesystem;

constexpr char kTensors[] = "model.safetensors";
constexpr char kIndex[] = "model.safetensors.index.json";
constexpr size_t kMaxJsonBytes = size_t{64} << 20;
constexpr size_t kMaxShards = 1000;

/// The name of a pickle in the folder; empty for none.
std::string FindPickle(const std::string& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string(), extension = entry.path().extension().string();
    if (extension == ".bin" || extension == ".ckpt" || extension == ".pt" || extension == ".pth") return name;
  }
  return {};
}

/// The shards that an index names: plain file names only.
StatusOr<std::set<std::string>> ReadShardNames(const nlohmann::json& index) {
  SKALD_ASSIGN_OR_RETURN(const JsonObject root, JsonObject::Of(index, ""));
  SKALD_ASSIGN_OR_RETURN(const JsonObject map, root.Object("weight_map"));
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : map.json().items()) {
    if (!shard.is_string()) return Status::Corrupt("\"weight_map." + tensor + "\" is not a string");
    const std::string name = shard.get<std::string>();
    if (name.find('/') != std::string::npos || name.find('\\') != std::string::npos || name.empty() ||
        name.front() == '.') {
      return Status::Corrupt("\"weight_map." + tensor + "\" names \"" + name +
                             "\", which is no plain file name");
    }
    shards.insert(name);
    if (shards.size() > kMaxShards) return Status::Corrupt("more than 1000 shards");
  }
  return shards;
}

}  // namespace

StatusOr<Checkpoint> Checkpoint::Open(const std::string& folder) {
  Checkpoint checkpoint;
  checkpoint.folder_ = folder;
  SKALD_ASSIGN_OR_RETURN(checkpoint.config_, checkpoint.ReadJson("config.json"));
  if (!checkpoint.config_.is_object()) {
    return Status::Corrupt("is not a JSON object").InFile(checkpoint.PathOf("config.json"));
  }
  std::set<std::string> shards = {kTensors};
  checkpoint.tensors_path_ = checkpoint.PathOf(kTensors);
  if (!checkpoint.HasFile(kTensors)) {
    if (!checkpoint.HasFile(kIndex)) {
      if (const std::string pickle = FindPickle(folder); !pickle.empty()) {
        return Status::Unsupported(
                   "is a pickle, which may run code when it is read; Skald reads safetensors: open the model "
                   "with "
                   "transformers and save_pretrained(folder, safe_serialization=True)")
            .InFile(checkpoint.PathOf(pickle));
      }
      return Status::NotFound("has neither model.safetensors nor model.safetensors.index.json")
          .InFile(folder);
    }
    checkpoint.tensors_path_ = checkpoint.PathOf(kIndex);
    SKALD_ASSIGN_OR_RETURN(const nlohmann::json index, checkpoint.ReadJson(kIndex));
    StatusOr<std::set<std::string>> named = ReadShardNames(index);
    if (!named.ok()) return std::move(named).status().InFile(checkpoint.tensors_path_);
    shards = std::move(named).value();
  }
  for (const std::string& shard : shards) {
    SKALD_ASSIGN_OR_RETURN(SafetensorsFile file, SafetensorsFile::Open(checkpoint.PathOf(shard)));
    checkpoint.shards_.push_back(std::make_unique<SafetensorsFile>(std::move(file)));
    for (const auto& [name, tensor] : checkpoint.shards_.back()->tensors()) {
      if (!checkpoint.files_.emplace(name, checkpoint.shards_.back().get()).second) {
        return Status::Corrupt("is in two shards").At("tensor " + name).InFile(checkpoint.PathOf(shard));
      }
    }
  }
  return checkpoint;
}

bool Checkpoint::HasFile(const std::string& file) const {
  std::error_code error;
  return fs::is_regular_file(PathOf(file), error);
}

StatusOr<nlohmann::json> Checkpoint::ReadJson(const std::string& file) const {
  SKALD_ASSIGN_OR_RETURN(const std::string text, ReadFile(PathOf(file), kMaxJsonBytes));
  StatusOr<nlohmann::json> json = ParseStrictJson(text);
  if (!json.ok()) return std::move(json).status().InFile(PathOf(file));
  return json;
}

StatusOr<TensorView> Checkpoint::Get(const std::string& tensor, const std::vector<int64_t>& shape) const {
  const auto found = files_.find(tensor);
  if (found == files_.end())
    return Status::NotFound("is missing").At("tensor " + tensor).InFile(tensors_path_);
  return found->second->Get(tensor, shape);
}

std::vector<int64_t> Checkpoint::ShapeOf(const std::string& tensor) const {
  const auto found = files_.find(tensor);
  return found == files_.end() ? std::vector<int64_t>() : found->second->tensors().at(tensor).shape;
}

Status TensorCopier::Copy(const std::string& from, const std::vector<int64_t>& shape, const std::string& to,
                          std::vector<int64_t> as) {
  SKALD_ASSIGN_OR_RETURN(const TensorView tensor, checkpoint_.Get(from, shape));
  tensors_.push_back({to, as.empty() ? shape : std::move(as), {}, tensor.type, tensor.bytes});
  return Status::Ok();
}

Status TensorCopier::CopyAffine(const std::string& from, const std::vector<int64_t>& shape, bool has_bias,
                                const std::string& to, std::vector<int64_t> as) {
  SKALD_RETURN_IF_ERROR(Copy(from + ".weight", shape, to + ".weight", std::move(as)));
  return has_bias ? Copy(from + ".bias", {shape[0]}, to + ".bias") : Status::Ok();
}

Status TensorCopier::CopyHead(const std::string& from, int64_t width, const std::vector<int>& rows,
                              const std::string& to) {
  const auto units = static_cast<int64_t>(rows.size());
  std::vector<int64_t> shape = {units, width};
  if (checkpoint_.ShapeOf(from + ".weight").size() == 3) shape.push_back(1);
  SKALD_ASSIGN_OR_RETURN(const std::vector<float> weight, Read(from + ".weight", shape));
  SKALD_ASSIGN_OR_RETURN(const std::vector<float> bias, Read(from + ".bias", {units}));
  std::vector<float> ordered_weight, ordered_bias;
  for (const int row : rows) {
    const auto first = weight.begin() + row * width;
    ordered_weight.insert(ordered_weight.end(), first, first + width);
    ordered_bias.push_back(bias[static_cast<size_t>(row)]);
  }
  Add(to + ".weight", {units, width}, std::move(ordered_weight));
  Add(to + ".bias", {units}, std::move(ordered_bias));
  return Status::Ok();
}

void TensorCopier::Add(std::string name, std::vector<int64_t> shape, std::vector<float> values) {
  tensors_.push_back({std::move(name), std::move(shape), std::move(values), TensorType::kF32, {}});
}

StatusOr<std::vector<float>> TensorCopier::Read(const std::string& from,
                                                const std::vector<int64_t>& shape) const {
  SKALD_ASSIGN_OR_RETURN(const TensorView tensor, checkpoint_.Get(from, shape));
  std::vector<float> values = tensor.ToFloat();
  if (!std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); })) {
    return Status::Corrupt("has a value that is not finite")
        .At("tensor " + from)
        .InFile(checkpoint_.folder());
  }
  return values;
}

}  // namespace skald
