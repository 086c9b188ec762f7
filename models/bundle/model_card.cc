#include "models/bundle/model_card.h"

#include <utility>

namespace skald {
namespace {

constexpr size_t kMaxResults = 1000;

StatusOr<CardResult> ReadResult(const nlohmann::json& json, const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const JsonObject object, JsonObject::Of(json, path));
  CardResult result;
  SKALD_ASSIGN_OR_RETURN(result.set, object.String("set"));
  SKALD_ASSIGN_OR_RETURN(result.decoding, object.StringOr("decoding", ""));
  SKALD_ASSIGN_OR_RETURN(result.wer_percent, object.Number("wer_percent", 0.0, 1000.0));
  return result;
}

}  // namespace

StatusOr<ModelCard> ReadModelCard(const JsonObject& bundle) {
  ModelCard card;
  if (!bundle.Has("card")) return card;
  SKALD_ASSIGN_OR_RETURN(const JsonObject object, bundle.Object("card"));
  SKALD_ASSIGN_OR_RETURN(card.data, object.StringOr("data", ""));
  SKALD_ASSIGN_OR_RETURN(card.intended_use, object.StringOr("intended_use", ""));
  SKALD_ASSIGN_OR_RETURN(card.limits, object.StringOr("limits", ""));
  if (!object.Has("word_error_rates")) return card;
  const std::string path = object.PathOf("word_error_rates");
  const nlohmann::json& results = object.json().at("word_error_rates");
  if (!results.is_array() || results.size() > kMaxResults) {
    return Status::Corrupt("\"" + path + "\" is not a list of at most " + std::to_string(kMaxResults) +
                           " results");
  }
  for (const nlohmann::json& result : results) {
    SKALD_ASSIGN_OR_RETURN(
        CardResult read, ReadResult(result, path + "[" + std::to_string(card.word_error_rates.size()) + "]"));
    card.word_error_rates.push_back(std::move(read));
  }
  return card;
}

nlohmann::ordered_json ModelCardToJson(const ModelCard& card) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  const std::pair<const char*, const std::string&> texts[] = {
      {"data", card.data}, {"intended_use", card.intended_use}, {"limits", card.limits}};
  for (const auto& [name, text] : texts) {
    if (!text.empty()) json[name] = text;
  }
  for (const CardResult& result : card.word_error_rates) {
    nlohmann::ordered_json entry = {{"set", result.set}};
    if (!result.decoding.empty()) entry["decoding"] = result.decoding;
    entry["wer_percent"] = result.wer_percent;
    json["word_error_rates"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace skald
