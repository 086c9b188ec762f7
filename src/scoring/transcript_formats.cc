#include "scoring/transcript_formats.h"

#include <filesystem>
#include <fmt/format.h>
#include <unordered_map>

#include "scoring/text_lines.h"

namespace skald {
namespace {

/// Finds ids that come twice and names both lines.
class UniqueIds {
 public:
  explicit UniqueIds(std::string path) : path_(std::move(path)) {}
  Status Add(std::string_view id, int line_number) {
    const auto [known, is_new] = line_of_.emplace(id, line_number);
    if (is_new) return Status::Ok();
    return BrokenLine(path_, line_number, fmt::format("{} was given on line {} already", id, known->second));
  }

 private:
  std::string path_;
  std::unordered_map<std::string, int> line_of_;
};

}  // namespace

StatusOr<TranscriptFormat> ParseTranscriptFormat(std::string_view name) {
  if (name == "text") return TranscriptFormat::kKaldiText;
  if (name == "trn") return TranscriptFormat::kTrn;
  if (name == "stm") return TranscriptFormat::kStm;
  if (name == "ctm") return TranscriptFormat::kCtm;
  if (name == "json") return TranscriptFormat::kJson;
  return Status::InvalidArgument(
      fmt::format("unknown transcript format '{}'; known are text, trn, stm, ctm, json", name));
}

TranscriptFormat GuessTranscriptFormat(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return TranscriptFormat::kJson;
  std::string extension = std::filesystem::path(path).extension().string();
  if (!extension.empty()) extension.erase(0, 1);
  const auto format = ParseTranscriptFormat(extension);
  return format.ok() ? *format : TranscriptFormat::kKaldiText;
}

StatusOr<std::vector<Utterance>> ReadKaldiText(const std::string& path, const std::string& utt2spk_path) {
  std::unordered_map<std::string, std::string> speakers;
  if (!utt2spk_path.empty()) {
    SKALD_ASSIGN_OR_RETURN(const std::vector<TextLine> lines, ReadTextLines(utt2spk_path));
    UniqueIds ids(utt2spk_path);
    for (const TextLine& line : lines) {
      std::string_view rest = line.text;
      const std::string_view id = TakeField(rest), speaker = TakeField(rest);
      if (speaker.empty() || !rest.empty()) {
        return BrokenLine(utt2spk_path, line.number, "expected an utterance id and a speaker");
      }
      SKALD_RETURN_IF_ERROR(ids.Add(id, line.number));
      speakers.emplace(id, speaker);
    }
  }
  SKALD_ASSIGN_OR_RETURN(const std::vector<TextLine> lines, ReadTextLines(path));
  std::vector<Utterance> utterances;
  UniqueIds ids(path);
  for (const TextLine& line : lines) {
    std::string_view rest = line.text;
    Utterance utterance;
    utterance.id = TakeField(rest);
    utterance.text = rest;
    SKALD_RETURN_IF_ERROR(ids.Add(utterance.id, line.number));
    if (!utt2spk_path.empty()) {
      const auto speaker = speakers.find(utterance.id);
      if (speaker == speakers.end()) {
        return BrokenLine(path, line.number,
                          fmt::format("{} has no speaker in {}", utterance.id, utt2spk_path));
      }
      utterance.speaker = speaker->second;
    }
    utterances.push_back(std::move(utterance));
  }
  return utterances;
}

StatusOr<std::vector<Utterance>> ReadTrn(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::vector<TextLine> lines, ReadTextLines(path));
  std::vector<Utterance> utterances;
  UniqueIds ids(path);
  for (const TextLine& line : lines) {
    if (line.text.starts_with(";;")) continue;
    const size_t open = line.text.rfind('('), close = line.text.find_last_not_of(" \t");
    if (open == std::string::npos || line.text[close] != ')' || close < open + 2) {
      return BrokenLine(path, line.number, "expected words and then the utterance id in parentheses");
    }
    Utterance utterance;
    utterance.id = line.text.substr(open + 1, close - open - 1);
    utterance.speaker = utterance.id.substr(0, utterance.id.find_first_of("-_"));
    utterance.text = line.text.substr(0, open);
    SKALD_RETURN_IF_ERROR(ids.Add(utterance.id, line.number));
    utterances.push_back(std::move(utterance));
  }
  return utterances;
}

}  // namespace skald
