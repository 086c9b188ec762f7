#pragma once

#include <vector>

#include "base/status.h"
#include "models/bundle/bundle.h"
#include "models/importers/checkpoint.h"

namespace skald {

/// The name of the one head of an imported bundle.
inline constexpr char kImportedHead[] = "ctc";

/// What a checkpoint's config says: the network and its features. Failures name the key; the caller adds the
/// file.
struct ImportedNetwork {
  ArchitectureSizes sizes;
  FeatureDescription features;
  int outputs = 0;  ///< of the head
  int blank = 0;
};

/// Wav2Vec2ForCTC and HubertForCTC.
StatusOr<ImportedNetwork> ReadWav2Vec2Config(const Checkpoint& checkpoint);
Status CopyWav2Vec2Tensors(const Checkpoint& checkpoint, const ImportedNetwork& network,
                           const std::vector<int>& unit_order, TensorCopier* tensors);

/// ParakeetForCTC.
StatusOr<ImportedNetwork> ReadParakeetConfig(const Checkpoint& checkpoint);
Status CopyParakeetTensors(const Checkpoint& checkpoint, const ImportedNetwork& network,
                           const std::vector<int>& unit_order, TensorCopier* tensors);

/// An encoder of Whisper with lm_head or ctc_head.
StatusOr<ImportedNetwork> ReadWhisperConfig(const Checkpoint& checkpoint);
Status CopyWhisperTensors(const Checkpoint& checkpoint, const ImportedNetwork& network,
                          const std::vector<int>& unit_order, TensorCopier* tensors);

/// Reads config values that have a default; the failure names the key.
class ConfigReader {
 public:
  explicit ConfigReader(const JsonObject& object) : object_(object) {}
  Status Read(const char* key, int64_t low, int64_t high, int64_t absent, int* value) const;
  /// kUnsupported unless the value (or `absent`) is `required`.
  Status RequireText(const char* key, const std::string& absent, const std::string& required) const;
  Status RequireFlag(const char* key, bool absent, bool required) const;
  Status RequireInteger(const char* key, int64_t absent, int64_t required) const;

 private:
  const JsonObject& object_;
};

/// The feature extractor's settings: preprocessor_config.json, or "feature_extractor" of
/// processor_config.json; an empty object where there is neither.
StatusOr<nlohmann::json> ReadFeatureSettings(const Checkpoint& checkpoint);

}  // namespace skald
