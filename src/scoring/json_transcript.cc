#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "scoring/transcript_formats.h"

namespace skald {
namespace {

using Json = nlohmann::json;

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

/// Calls `use` with the media file's stem and each segment of a transcript, checked for what both readers
/// need.
Status ForEachSegment(const std::string& path,
                      const std::function<Status(const std::string& stem, const Json* segment)>& use) {
  SKALD_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const Json transcript = Json::parse(text, nullptr, false);
  if (transcript.is_discarded()) return Broken(path, "the JSON is damaged");
  const Json* source = Member(transcript, "source", &Json::is_object);
  const Json* media_path = source == nullptr ? nullptr : Member(*source, "path", &Json::is_string);
  if (media_path == nullptr) return Broken(path, "source.path is missing");
  const Json* segments = Member(transcript, "segments", &Json::is_array);
  if (segments == nullptr) return Broken(path, "segments are missing");
  const std::string stem = std::filesystem::path(media_path->get<std::string>()).stem().string();
  SKALD_RETURN_IF_ERROR(use(stem, nullptr));
  for (const Json& segment : *segments) SKALD_RETURN_IF_ERROR(use(stem, &segment));
  return Status::Ok();
}

/// The words of a segment, as far as they have confidences.
void AddWords(const Json& segment, Utterance* utterance) {
  const Json* list = Member(segment, "words", &Json::is_array);
  if (list == nullptr) return;
  for (const Json& entry : *list) {
    const Json* text = Member(entry, "word", &Json::is_string);
    const Json* confidence = Member(entry, "confidence", &Json::is_number);
    if (text != nullptr && confidence != nullptr) {
      utterance->words.push_back({text->get<std::string>(), confidence->get<double>()});
    }
  }
}

std::string Joined(const std::vector<SureWord>& words) {
  std::string text;
  for (const SureWord& word : words) text += (text.empty() ? "" : " ") + word.text;
  return text;
}

}  // namespace

StatusOr<std::vector<Utterance>> ReadJsonTexts(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::vector<std::string> paths, TranscriptPaths(path));
  std::vector<Utterance> utterances;
  for (const std::string& file : paths) {
    SKALD_RETURN_IF_ERROR(ForEachSegment(file, [&](const std::string& stem, const Json* segment) {
      if (segment == nullptr) {
        utterances.push_back({stem, "", ""});
        return Status::Ok();
      }
      const Json* text = Member(*segment, "text", &Json::is_string);
      if (text == nullptr) return Broken(file, "a segment has no text");
      std::string& joined = utterances.back().text;
      if (!joined.empty()) joined += ' ';
      joined += text->get<std::string>();
      AddWords(*segment, &utterances.back());
      return Status::Ok();
    }));
    if (!utterances.back().words.empty() && Joined(utterances.back().words) != utterances.back().text) {
      utterances.back().words.clear();
    }
  }
  return utterances;
}

StatusOr<std::vector<AlternativeTexts>> ReadJsonAlternatives(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::vector<std::string> paths, TranscriptPaths(path));
  std::vector<AlternativeTexts> lists;
  for (const std::string& file : paths) {
    SKALD_RETURN_IF_ERROR(ForEachSegment(file, [&](const std::string& stem, const Json* segment) {
      if (segment == nullptr) {
        lists.push_back({stem, {}});
        return Status::Ok();
      }
      const Json* text = Member(*segment, "text", &Json::is_string);
      if (text == nullptr) return Broken(file, "a segment has no text");
      std::vector<std::string> texts;
      if (const Json* nbest = Member(*segment, "nbest", &Json::is_array)) {
        for (const Json& entry : *nbest) {
          const Json* alternative = Member(entry, "text", &Json::is_string);
          if (alternative == nullptr) return Broken(file, "an alternative has no text");
          texts.push_back(alternative->get<std::string>());
        }
      }
      if (texts.empty()) texts.push_back(text->get<std::string>());
      lists.back().texts.push_back(std::move(texts));
      return Status::Ok();
    }));
  }
  return lists;
}

StatusOr<std::vector<TimedWord>> ReadJsonWords(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::vector<std::string> paths, TranscriptPaths(path));
  std::vector<TimedWord> words;
  for (const std::string& file : paths) {
    SKALD_RETURN_IF_ERROR(ForEachSegment(file, [&](const std::string& stem, const Json* segment) {
      if (segment == nullptr) return Status::Ok();
      const Json* list = Member(*segment, "words", &Json::is_array);
      if (list == nullptr) return Broken(file, "a segment has no words");
      const Json* channel = Member(*segment, "channel", &Json::is_number_integer);
      const std::string channel_name = std::to_string(channel == nullptr ? 1 : channel->get<int64_t>() + 1);
      for (const Json& entry : *list) {
        const Json* text = Member(entry, "word", &Json::is_string);
        const Json* start = Member(entry, "start", &Json::is_number);
        const Json* end = Member(entry, "end", &Json::is_number);
        if (text == nullptr || start == nullptr || end == nullptr)
          return Broken(file, "a word lacks text or times");
        TimedWord word{stem, channel_name, start->get<double>(), 0, text->get<std::string>(), {}};
        word.duration_s = std::max(0.0, end->get<double>() - word.start_s);
        const Json* confidence = Member(entry, "confidence", &Json::is_number);
        if (confidence != nullptr) word.confidence = confidence->get<double>();
        words.push_back(std::move(word));
      }
      return Status::Ok();
    }));
  }
  return words;
}

}  // namespace skald
