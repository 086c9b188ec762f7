#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

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

class JsonFormatter : public TranscriptFormatter {
 public:
  explicit JsonFormatter(const OutputOptions& options) : TranscriptFormatter(options) {}

  std::string Head(const Transcript& about) const override {
    Json source = {{"path", ValidText(about.source.path)},
                   {"duration", Rounded(about.source.duration_s)},
                   {"track", about.source.track},
                   {"sample_rate", about.source.sample_rate_hz},
                   {"channels", about.source.channels}};
    if (!about.source.sha256.empty()) source["sha256"] = ValidText(about.source.sha256);
    const Json model = {{"name", ValidText(about.model_name)}, {"sha256", ValidText(about.model_sha256)}};
    const Json graph = {{"sha256", ValidText(about.graph_sha256)}};
    Json options = Json::object();
    for (const auto& [name, value] : about.options) options[ReplaceInvalidUtf8(name)] = ValidText(value);
    std::string out = "{\n";
    out += "  \"skald\":" + Dump(SKALD_VERSION) + ",\n";
    out += "  \"source\":" + Dump(source) + ",\n";
    out += "  \"model\":" + Dump(model) + ",\n";
    out += "  \"graph\":" + Dump(graph) + ",\n";
    out += "  \"options\":" + Dump(options) + ",\n";
    return out + "  \"segments\":[";
  }

  std::string Tail(const Transcript& about) override {
    std::vector<std::string> warnings, skipped;
    for (const Warning& warning : about.warnings) {
      warnings.push_back(Dump({{"time", Rounded(warning.time_s)}, {"what", ValidText(warning.what)}}));
    }
    for (const SkippedSpan& span : about.skipped) {
      skipped.push_back(
          Dump({{"channel", span.channel}, {"start", Rounded(span.start_s)}, {"end", Rounded(span.end_s)}}));
    }
    const Timing& timing = about.timing;
    Json seconds = {{"audio_s", Rounded(timing.audio_s)},       {"decode_s", Rounded(timing.decode_s)},
                    {"features_s", Rounded(timing.features_s)}, {"model_s", Rounded(timing.model_s)},
                    {"search_s", Rounded(timing.search_s)},     {"wall_s", Rounded(timing.wall_s)}};
    if (timing.vad_s > 0) seconds["vad_s"] = Rounded(timing.vad_s);
    std::string out = "],\n";
    out += "  \"warnings\":" + List(warnings, "    ") + ",\n";
    if (!skipped.empty()) out += "  \"skipped\":" + List(skipped, "    ") + ",\n";
    out += "  \"timing\":" + Dump(seconds) + "\n";
    return out + "}\n";
  }

 protected:
  std::string Format(const Segment& segment) override {
    const bool first = std::exchange(first_, false);
    return (first ? "\n    " : ",\n    ") + SegmentJson(segment);
  }

 private:
  bool first_ = true;
};

}  // namespace

std::unique_ptr<TranscriptFormatter> MakeJsonFormatter(const OutputOptions& options) {
  return std::make_unique<JsonFormatter>(options);
}

}  // namespace skald
