#include "models/importers/network_importers.h"

namespace skald {
namespace {

Status NotRun(const JsonObject& object, const char* key, const std::string& value,
              const std::string& required) {
  return Status::Unsupported("\"" + object.PathOf(key) + "\" is " + value + "; Skald runs " + required);
}

}  // namespace

Status ConfigReader::Read(const char* key, int64_t low, int64_t high, int64_t absent, int* value) const {
  SKALD_ASSIGN_OR_RETURN(const int64_t number, object_.IntegerOr(key, low, high, absent));
  *value = static_cast<int>(number);
  return Status::Ok();
}

Status ConfigReader::RequireText(const char* key, const std::string& absent,
                                 const std::string& required) const {
  SKALD_ASSIGN_OR_RETURN(const std::string value, object_.StringOr(key, absent));
  return value == required ? Status::Ok() : NotRun(object_, key, "\"" + value + "\"", "\"" + required + "\"");
}

Status ConfigReader::RequireFlag(const char* key, bool absent, bool required) const {
  SKALD_ASSIGN_OR_RETURN(const bool value, object_.FlagOr(key, absent));
  return value == required ? Status::Ok()
                           : NotRun(object_, key, value ? "true" : "false", required ? "true" : "false");
}

Status ConfigReader::RequireInteger(const char* key, int64_t absent, int64_t required) const {
  SKALD_ASSIGN_OR_RETURN(const int64_t value, object_.IntegerOr(key, INT64_MIN, INT64_MAX, absent));
  return value == required ? Status::Ok()
                           : NotRun(object_, key, std::to_string(value), std::to_string(required));
}

StatusOr<nlohmann::json> ReadFeatureSettings(const Checkpoint& checkpoint) {
  nlohmann::json settings = nlohmann::json::object();
  if (checkpoint.HasFile("preprocessor_config.json")) {
    SKALD_ASSIGN_OR_RETURN(settings, checkpoint.ReadJson("preprocessor_config.json"));
  } else if (checkpoint.HasFile("processor_config.json")) {
    SKALD_ASSIGN_OR_RETURN(const nlohmann::json processor, checkpoint.ReadJson("processor_config.json"));
    if (processor.is_object() && processor.contains("feature_extractor"))
      settings = processor["feature_extractor"];
  }
  if (!settings.is_object()) return Status::Corrupt("feature extractor settings are not a JSON object");
  return settings;
}

}  // namespace skald
