#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "models/bundle/safetensors.h"
#include "models/bundle/safetensors_writer.h"
#include "models/bundle/strict_json.h"

namespace skald {

/// A checkpoint folder as Hugging Face's transformers writes it: config.json and tensors in
/// model.safetensors, or in the shards that model.safetensors.index.json names. Nothing in it is trusted.
class Checkpoint {
 public:
  /// kNotFound where there is no checkpoint; kUnsupported for one that has pickled weights only
  /// (pytorch_model.bin, *.ckpt), which may run code when they are read.
  static StatusOr<Checkpoint> Open(const std::string& folder);

  const std::string& folder() const { return folder_; }
  std::string PathOf(const std::string& file) const { return folder_ + "/" + file; }
  bool HasFile(const std::string& file) const;
  /// A JSON file of at most 64 MiB; failures name it.
  StatusOr<nlohmann::json> ReadJson(const std::string& file) const;
  const nlohmann::json& config() const { return config_; }

  bool Has(const std::string& tensor) const { return files_.contains(tensor); }
  /// The tensor of exactly `shape`; kNotFound where it is missing, else as SafetensorsFile::Get.
  StatusOr<TensorView> Get(const std::string& tensor, const std::vector<int64_t>& shape) const;
  /// The shape of a tensor; empty where it is missing.
  std::vector<int64_t> ShapeOf(const std::string& tensor) const;

 private:
  std::string folder_;
  nlohmann::json config_;
  std::vector<std::unique_ptr<SafetensorsFile>> shards_;
  std::map<std::string, const SafetensorsFile*> files_;  ///< by tensor
  std::string tensors_path_;                             ///< for messages
};

/// Collects the tensors of a bundle from a checkpoint under other names. Borrows the checkpoint.
class TensorCopier {
 public:
  explicit TensorCopier(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

  /// Copies a tensor as it is; `shape` is what it must have, `as` what it becomes (empty: the same).
  Status Copy(const std::string& from, const std::vector<int64_t>& shape, const std::string& to,
              std::vector<int64_t> as = {});
  /// FROM.weight [shape] and, where `has_bias`, FROM.bias [shape[0]] under TO.
  Status CopyAffine(const std::string& from, const std::vector<int64_t>& shape, bool has_bias,
                    const std::string& to, std::vector<int64_t> as = {});
  /// FROM.weight and FROM.bias [width].
  Status CopyNorm(const std::string& from, int64_t width, const std::string& to) {
    return CopyAffine(from, {width}, true, to);
  }
  /// FROM.weight [units, width (, 1)] and FROM.bias [units] with rows in the order of `rows`.
  Status CopyHead(const std::string& from, int64_t width, const std::vector<int>& rows,
                  const std::string& to);
  /// Adds computed values.
  void Add(std::string name, std::vector<int64_t> shape, std::vector<float> values);
  /// Reads finite values to compute with.
  StatusOr<std::vector<float>> Read(const std::string& from, const std::vector<int64_t>& shape) const;

  const std::vector<NamedTensor>& tensors() const { return tensors_; }

 private:
  const Checkpoint& checkpoint_;
  std::vector<NamedTensor> tensors_;
};

}  // namespace skald
