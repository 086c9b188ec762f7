#include "report/search_results.h"

#include <nlohmann/json.hpp>

#include "base/file.h"

namespace skald {
namespace {

using Json = nlohmann::json;

KeywordHit ReadHit(const Json& json) {
  KeywordHit hit;
  hit.file = json.at("file").get<std::string>();
  hit.track = json.value("track", 0);
  hit.channel = json.value("channel", 0);
  hit.start_s = json.at("start").get<double>();
  hit.end_s = json.at("end").get<double>();
  hit.play_s = json.value("play", hit.start_s);
  hit.score = json.at("score").get<double>();
  hit.decision = json.value("decision", true);
  hit.context = json.value("context", "");
  return hit;
}

}  // namespace

StatusOr<std::vector<KeywordSearchResult>> ReadSearchResults(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  try {
    std::vector<KeywordSearchResult> results;
    const Json all = Json::parse(text);
    if (!all.is_array()) return Status::Corrupt("not the result of a search: no list").InFile(path);
    for (const Json& entry : all) {
      KeywordSearchResult result;
      result.query = entry.at("query").get<std::string>();
      result.kind = entry.value("kind", "");
      result.threshold = entry.value("threshold", 0.0);
      result.tried = entry.value("tried", "");
      const Json& hits = entry.at("hits");
      if (!hits.is_array())
        return Status::Corrupt("not the result of a search: hits are no list").InFile(path);
      for (const Json& hit : hits) result.hits.push_back(ReadHit(hit));
      result.hit_count = result.hits.size();
      results.push_back(std::move(result));
    }
    return results;
  } catch (const Json::exception& error) {
    return Status::Corrupt(std::string("not the result of a search: ") + error.what()).InFile(path);
  }
}

}  // namespace skald
