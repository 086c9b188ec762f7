#include "output/output_format.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "base/utf8.h"
#include "output/plain_text.h"
#include "output/writers.h"

namespace skald {
namespace {

struct NamedFormat {
  OutputFormat format;
  const char* name;
};
struct NamedLatticeType {
  LatticeType type;
  const char* name;
  const char* extension;
};
constexpr std::array kLatticeTypes = {
    NamedLatticeType{LatticeType::kKaldiText, "text", "lattice.txt"},
    NamedLatticeType{LatticeType::kKaldiBinary, "binary", "lattice.ark"},
    NamedLatticeType{LatticeType::kOpenFst, "openfst", "fst.txt"},
    NamedLatticeType{LatticeType::kSlf, "slf", "slf"},
};
constexpr std::array kFormats = {
    NamedFormat{OutputFormat::kText, "txt"},        NamedFormat{OutputFormat::kJson, "json"},
    NamedFormat{OutputFormat::kSrt, "srt"},         NamedFormat{OutputFormat::kVtt, "vtt"},
    NamedFormat{OutputFormat::kTtml, "ttml"},       NamedFormat{OutputFormat::kCtm, "ctm"},
    NamedFormat{OutputFormat::kLattice, "lattice"},
};

std::string Capitalised(const std::string& text) {
  std::string capitalised;
  size_t position = 0;
  if (!text.empty()) AppendUtf8(ToUpper(NextCodePoint(text, position)), capitalised);
  return capitalised + text.substr(position);
}

/// `word` in the wanted case; `starts_sentence` tells whether it is the first of its segment.
std::string InCase(const std::string& word, TextCase text_case, bool starts_sentence) {
  if (text_case == TextCase::kAsIs) return word;
  std::string lower = ToLower(word);
  if (text_case == TextCase::kLower) return lower;
  const bool is_pronoun_i = lower == "i" || lower.starts_with("i'");
  return starts_sentence || is_pronoun_i ? Capitalised(lower) : lower;
}

std::string SentenceInCase(const std::string& text, TextCase text_case) {
  if (text_case == TextCase::kAsIs) return text;
  std::string sentence;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    if (begin > 0) sentence += ' ';
    sentence += InCase(text.substr(begin, end - begin), text_case, begin == 0);
    begin = end + 1;
  }
  return sentence;
}

void ApplyTextCase(Transcript& transcript, TextCase text_case) {
  if (text_case == TextCase::kAsIs) return;
  for (Segment& segment : transcript.segments) {
    segment.text = SentenceInCase(segment.text, text_case);
    for (size_t i = 0; i < segment.words.size(); ++i) {
      segment.words[i].text = InCase(segment.words[i].text, text_case, i == 0);
      for (WordAlternative& other : segment.words[i].alternatives) {
        other.text = InCase(other.text, text_case, i == 0);
      }
    }
    for (Alternative& alternative : segment.nbest) {
      alternative.text = SentenceInCase(alternative.text, text_case);
    }
  }
}

}  // namespace

StatusOr<OutputFormat> ParseOutputFormat(std::string_view name) {
  std::string names;
  for (const NamedFormat& known : kFormats) {
    if (name == known.name) return known.format;
    names += (names.empty() ? "" : ", ") + std::string(known.name);
  }
  return Status::InvalidArgument(
      fmt::format("unknown output format '{}'; known are {}", SingleLine(name), names));
}

StatusOr<std::vector<OutputFormat>> ParseOutputFormats(std::string_view names) {
  std::vector<OutputFormat> formats;
  for (size_t begin = 0; begin <= names.size();) {
    const size_t end = std::min(names.find(',', begin), names.size());
    SKALD_ASSIGN_OR_RETURN(const OutputFormat format, ParseOutputFormat(names.substr(begin, end - begin)));
    if (std::find(formats.begin(), formats.end(), format) == formats.end()) formats.push_back(format);
    begin = end + 1;
  }
  return formats;
}

StatusOr<TextCase> ParseTextCase(std::string_view name) {
  if (name == "as-is") return TextCase::kAsIs;
  if (name == "lower") return TextCase::kLower;
  if (name == "sentence") return TextCase::kSentence;
  return Status::InvalidArgument(
      fmt::format("unknown letter case '{}'; known are as-is, lower, sentence", SingleLine(name)));
}

StatusOr<LatticeType> ParseLatticeType(std::string_view name) {
  for (const NamedLatticeType& known : kLatticeTypes) {
    if (name == known.name) return known.type;
  }
  return Status::InvalidArgument(
      fmt::format("unknown lattice type '{}'; known are text, binary, openfst, slf", SingleLine(name)));
}

const char* FileExtension(OutputFormat format, const OutputOptions& options) {
  for (const NamedLatticeType& known : kLatticeTypes) {
    if (format == OutputFormat::kLattice && known.type == options.lattice_type) return known.extension;
  }
  for (const NamedFormat& known : kFormats) {
    if (known.format == format) return known.name;
  }
  SKALD_CHECK(false, "output format without a name");
  return "";
}

std::string FormatTranscript(const Transcript& transcript, OutputFormat format,
                             const OutputOptions& options) {
  SKALD_CHECK(options.subtitles.Validate().ok(), "subtitle options were not validated");
  Transcript prepared = transcript;
  ApplyTextCase(prepared, options.text_case);
  std::stable_sort(prepared.segments.begin(), prepared.segments.end(),
                   [](const Segment& a, const Segment& b) {
                     const int64_t start_a = ToMilliseconds(a.start_s), start_b = ToMilliseconds(b.start_s);
                     return start_a != start_b ? start_a < start_b : a.channel < b.channel;
                   });
  switch (format) {
    case OutputFormat::kText:
      return WriteText(prepared, options);
    case OutputFormat::kJson:
      return WriteJson(prepared);
    case OutputFormat::kSrt:
      return WriteSrt(prepared, options);
    case OutputFormat::kVtt:
      return WriteVtt(prepared, options);
    case OutputFormat::kTtml:
      return WriteTtml(prepared, options);
    case OutputFormat::kCtm:
      return WriteCtm(prepared, options);
    case OutputFormat::kLattice:
      return WriteLattices(prepared, options);
  }
  SKALD_CHECK(false, "unknown output format");
  return {};
}

std::string ChannelLabel(int channel, const OutputOptions& options) {
  return options.split_channels ? fmt::format("Channel {}", channel + 1) : std::string();
}

std::vector<SubtitleCue> SubtitlesOf(const Transcript& transcript, const OutputOptions& options,
                                     bool label_in_text) {
  std::vector<int> channels;
  for (const Segment& segment : transcript.segments) channels.push_back(segment.channel);
  std::sort(channels.begin(), channels.end());
  channels.erase(std::unique(channels.begin(), channels.end()), channels.end());
  std::vector<SubtitleCue> cues;
  for (const int channel : channels) {
    std::vector<Segment> segments;
    for (const Segment& segment : transcript.segments) {
      if (segment.channel == channel) segments.push_back(segment);
    }
    const std::string label = ChannelLabel(channel, options);
    const int reserve = label_in_text && !label.empty() ? static_cast<int>(CountCodePoints(label)) + 2 : 0;
    for (SubtitleCue& cue : LayOutSubtitles(segments, options.subtitles, channel, reserve)) {
      cues.push_back(std::move(cue));
    }
  }
  std::stable_sort(cues.begin(), cues.end(),
                   [](const SubtitleCue& a, const SubtitleCue& b) { return a.start_ms < b.start_ms; });
  return cues;
}

}  // namespace skald
