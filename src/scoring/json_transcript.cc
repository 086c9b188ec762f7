#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "scoring/transcript_formats.h"

namespace skald {
namespace {

using Json = nlohmann::json;

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();

/// The member `key` of an object where it is there and of that type; null otherwise.
const Json* Member(const Json& object, const char* key, bool (Json::*is_type)() const noexcept) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found != object.end() && ((*found).*is_type)() ? &*found : nullptr;
}

Status Broken(const std::string& path, const std::string& what) {
  return Status::Corrupt(fmt::format("not a transcript of Skald: {}", what)).InFile(path);
}

StatusOr<std::vector<std::string>> TranscriptPaths(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> paths;
  for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".json") paths.push_back(entry->path().string());
  }
  if (error) return Status::Io(error.message()).InFile(path);
  if (paths.empty()) return Status::NotFound("the folder holds no .json transcripts").InFile(path);
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string StringOr(const Json& object, const char* key, std::string absent) {
  const Json* member = Member(object, key, &Json::is_string);
  return member == nullptr ? std::move(absent) : member->get<std::string>();
}

double NumberOr(const Json& object, const char* key, double absent) {
  const Json* member = Member(object, key, &Json::is_number);
  return member == nullptr ? absent : member->get<double>();
}

int IntegerOr(const Json& object, const char* key, int absent) {
  const Json* member = Member(object, key, &Json::is_number_integer);
  return member == nullptr ? absent : member->get<int>();
}

/// The elements of a list, none where there is no list.
const Json& List(const Json& object, const char* key) {
  static const Json kNone = Json::array();
  const Json* member = Member(object, key, &Json::is_array);
  return member == nullptr ? kNone : *member;
}

StatusOr<Segment> ReadSegment(const Json& json, const std::string& path) {
  Segment segment;
  const Json* text = Member(json, "text", &Json::is_string);
  if (text == nullptr) return Broken(path, "a segment has no text");
  segment.text = text->get<std::string>();
  segment.start_s = NumberOr(json, "start", 0);
  segment.end_s = NumberOr(json, "end", 0);
  segment.channel = IntegerOr(json, "channel", 0);
  segment.confidence = NumberOr(json, "confidence", kNotKnown);
  for (const Json& entry : List(json, "words")) {
    const Json* word_text = Member(entry, "word", &Json::is_string);
    if (word_text == nullptr) return Broken(path, "a word has no text");
    Word word{word_text->get<std::string>(), NumberOr(entry, "start", kNotKnown),
              NumberOr(entry, "end", kNotKnown), NumberOr(entry, "confidence", kNotKnown)};
    for (const Json& other : List(entry, "alternatives")) {
      word.alternatives.push_back({StringOr(other, "word", ""), NumberOr(other, "posterior", 0)});
    }
    segment.words.push_back(std::move(word));
  }
  for (const Json& entry : List(json, "nbest")) {
    const Json* string = Member(entry, "text", &Json::is_string);
    if (string == nullptr) return Broken(path, "an alternative has no text");
    segment.nbest.push_back({string->get<std::string>(), NumberOr(entry, "cost", 0)});
  }
  return segment;
}

std::string Stem(const Transcript& transcript) {
  return std::filesystem::path(transcript.source.path).stem().string();
}

/// The words of all segments with their confidences; none where one has none or they are not the text.
std::vector<SureWord> SureWords(const Transcript& transcript, const std::string& text) {
  std::vector<SureWord> words;
  std::string joined;
  for (const Segment& segment : transcript.segments) {
    for (const Word& word : segment.words) {
      if (std::isnan(word.confidence)) continue;
      words.push_back({word.text, word.confidence});
      joined += (joined.empty() ? "" : " ") + word.text;
    }
  }
  if (joined != text) words.clear();
  return words;
}

}  // namespace

StatusOr<Transcript> ReadJsonTranscript(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::string content, ReadFile(path));
  const Json json = Json::parse(content, nullptr, false);
  if (json.is_discarded()) return Broken(path, "the JSON is damaged");
  const Json* source = Member(json, "source", &Json::is_object);
  const Json* media_path = source == nullptr ? nullptr : Member(*source, "path", &Json::is_string);
  if (media_path == nullptr) return Broken(path, "source.path is missing");
  const Json* segments = Member(json, "segments", &Json::is_array);
  if (segments == nullptr) return Broken(path, "segments are missing");
  Transcript transcript;
  transcript.source.path = media_path->get<std::string>();
  transcript.source.duration_s = NumberOr(*source, "duration", 0);
  transcript.source.track = IntegerOr(*source, "track", 0);
  transcript.source.sample_rate_hz = IntegerOr(*source, "sample_rate", 0);
  transcript.source.channels = IntegerOr(*source, "channels", 0);
  if (const Json* model = Member(json, "model", &Json::is_object)) {
    transcript.model_name = StringOr(*model, "name", "");
    transcript.model_sha256 = StringOr(*model, "sha256", "");
  }
  for (const Json& entry : *segments) {
    SKALD_ASSIGN_OR_RETURN(Segment segment, ReadSegment(entry, path));
    transcript.segments.push_back(std::move(segment));
  }
  for (const Json& entry : List(json, "warnings")) {
    transcript.warnings.push_back({NumberOr(entry, "time", 0), StringOr(entry, "what", "")});
  }
  return transcript;
}

StatusOr<std::vector<Utterance>> ReadJsonTexts(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::vector<std::string> paths, TranscriptPaths(path));
  std::vector<Utterance> utterances;
  for (const std::string& file : paths) {
    SKALD_ASSIGN_OR_RETURN(const Transcript transcript, ReadJsonTranscript(file));
    Utterance utterance{Stem(transcript), "", ""};
    for (const Segment& segment : transcript.segments) {
      utterance.text += (utterance.text.empty() ? "" : " ") + segment.text;
    }
    utterance.words = SureWords(transcript, utterance.text);
    utterances.push_back(std::move(utterance));
  }
  return utterances;
}

StatusOr<std::vector<AlternativeTexts>> ReadJsonAlternatives(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::vector<std::string> paths, TranscriptPaths(path));
  std::vector<AlternativeTexts> lists;
  for (const std::string& file : paths) {
    SKALD_ASSIGN_OR_RETURN(const Transcript transcript, ReadJsonTranscript(file));
    lists.push_back({Stem(transcript), {}});
    for (const Segment& segment : transcript.segments) {
      std::vector<std::string> texts;
      for (const Alternative& string : segment.nbest) texts.push_back(string.text);
      if (texts.empty()) texts.push_back(segment.text);
      lists.back().texts.push_back(std::move(texts));
    }
  }
  return lists;
}

StatusOr<std::vector<TimedWord>> ReadJsonWords(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::vector<std::string> paths, TranscriptPaths(path));
  std::vector<TimedWord> words;
  for (const std::string& file : paths) {
    SKALD_ASSIGN_OR_RETURN(const Transcript transcript, ReadJsonTranscript(file));
    for (const Segment& segment : transcript.segments) {
      if (segment.words.empty() && !segment.text.empty()) return Broken(file, "a segment has no words");
      for (const Word& word : segment.words) {
        if (std::isnan(word.start_s) || std::isnan(word.end_s)) return Broken(file, "a word lacks times");
        TimedWord timed{Stem(transcript), std::to_string(segment.channel + 1),
                        word.start_s,     std::max(0.0, word.end_s - word.start_s),
                        word.text,        {}};
        if (!std::isnan(word.confidence)) timed.confidence = word.confidence;
        words.push_back(std::move(timed));
      }
    }
  }
  return words;
}

}  // namespace skald
