#include <cmath>
#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "output/writers.h"

namespace skald {
namespace {

using Json = nlohmann::ordered_json;

/// Rounded to 3 decimals, so that what is printed (the shortest digits that read back as this value) is the
/// same whatever the last bits were. Negative zero and non-finite values become 0.
double Rounded(double value) {
  return std::isfinite(value) ? std::round(value * 1000.0) / 1000.0 + 0.0 : 0.0;
}

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json ValidText(const std::string& text) { return ReplaceInvalidUtf8(text); }

/// The objects of a list, one a line, indented; "[]" where there are none.
std::string List(const std::vector<std::string>& items, const std::string& indent) {
  if (items.empty()) return "[]";
  std::string out = "[";
  for (size_t i = 0; i < items.size(); ++i) out += (i == 0 ? "\n" : ",\n") + indent + items[i];
  return out + "]";
}

Json WordJson(const Word& word) {
  Json json = {{"word", ValidText(word.text)},
               {"start", Rounded(word.start_s)},
               {"end", Rounded(word.end_s)},
               {"confidence", Rounded(word.confidence)}};
  for (const WordAlternative& other : word.alternatives) {
    json["alternatives"].push_back(
        {{"word", ValidText(other.text)}, {"posterior", Rounded(other.posterior)}});
  }
  return json;
}

std::string SegmentJson(const Segment& segment) {
  const Json head = {{"start", Rounded(segment.start_s)},
                     {"end", Rounded(segment.end_s)},
                     {"text", ValidText(segment.text)},
                     {"confidence", Rounded(segment.confidence)},
                     {"channel", segment.channel}};
  std::vector<std::string> words, alternatives;
  for (const Word& word : segment.words) words.push_back(Dump(WordJson(word)));
  for (const Alternative& alternative : segment.nbest) {
    alternatives.push_back(
        Dump({{"text", ValidText(alternative.text)}, {"cost", Rounded(alternative.cost)}}));
  }
  std::string out = Dump(head);
  out.pop_back();  // the brace: words and n-best follow on lines of their own
  out += ",\n     \"words\":" + List(words, "       ");
  out += ",\n     \"nbest\":" + List(alternatives, "       ");
  return out + "}";
}

}  // namespace

std::string WriteJson(const Transcript& transcript) {
  Json source = {{"path", ValidText(transcript.source.path)},
                 {"duration", Rounded(transcript.source.duration_s)},
                 {"track", transcript.source.track},
                 {"sample_rate", transcript.source.sample_rate_hz},
                 {"channels", transcript.source.channels}};
  if (!transcript.source.sha256.empty()) source["sha256"] = ValidText(transcript.source.sha256);
  const Json model = {{"name", ValidText(transcript.model_name)},
                      {"sha256", ValidText(transcript.model_sha256)}};
  const Json graph = {{"sha256", ValidText(transcript.graph_sha256)}};
  Json options = Json::object();
  for (const auto& [name, value] : transcript.options) options[ReplaceInvalidUtf8(name)] = ValidText(value);
  std::vector<std::string> segments, warnings;
  for (const Segment& segment : transcript.segments) segments.push_back(SegmentJson(segment));
  for (const Warning& warning : transcript.warnings) {
    warnings.push_back(Dump({{"time", Rounded(warning.time_s)}, {"what", ValidText(warning.what)}}));
  }
  const Timing& timing = transcript.timing;
  const Json seconds = {{"audio_s", Rounded(timing.audio_s)},       {"decode_s", Rounded(timing.decode_s)},
                        {"features_s", Rounded(timing.features_s)}, {"model_s", Rounded(timing.model_s)},
                        {"search_s", Rounded(timing.search_s)},     {"wall_s", Rounded(timing.wall_s)}};
  std::string out = "{\n";
  out += "  \"skald\":" + Dump(SKALD_VERSION) + ",\n";
  out += "  \"source\":" + Dump(source) + ",\n";
  out += "  \"model\":" + Dump(model) + ",\n";
  out += "  \"graph\":" + Dump(graph) + ",\n";
  out += "  \"options\":" + Dump(options) + ",\n";
  out += "  \"segments\":" + List(segments, "    ") + ",\n";
  out += "  \"warnings\":" + List(warnings, "    ") + ",\n";
  out += "  \"timing\":" + Dump(seconds) + "\n";
  return out + "}\n";
}

}  // namespace skald
