#include <fmt/format.h>
#include <map>

#include "scoring/text_lines.h"
#include "scoring/transcript_formats.h"

namespace skald {

StatusOr<std::vector<TimedWord>> ReadCtm(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::vector<TextLine> lines, ReadTextLines(path));
  std::vector<TimedWord> words;
  for (const TextLine& line : lines) {
    if (line.text.starts_with(";;")) continue;
    std::string_view rest = line.text;
    TimedWord word;
    word.file = TakeField(rest);
    word.channel = TakeField(rest);
    const std::string_view start = TakeField(rest), duration = TakeField(rest);
    word.text = TakeField(rest);
    const std::string_view confidence = TakeField(rest);
    if (word.text.empty())
      return BrokenLine(path, line.number, "expected file, channel, start, duration and word");
    if (word.text.starts_with("<ALT")) {
      return Status::Unsupported("alternatives are not supported")
          .At("line " + std::to_string(line.number))
          .InFile(path);
    }
    const auto start_s = ParseNumber(start), duration_s = ParseNumber(duration);
    if (!start_s || *start_s < 0)
      return BrokenLine(path, line.number, fmt::format("bad start time '{}'", start));
    if (!duration_s || *duration_s < 0) {
      return BrokenLine(path, line.number, fmt::format("bad duration '{}'", duration));
    }
    word.start_s = *start_s;
    word.duration_s = *duration_s;
    if (!confidence.empty() && confidence != "NA") {
      const auto value = ParseNumber(confidence);
      if (!value) return BrokenLine(path, line.number, fmt::format("bad confidence '{}'", confidence));
      word.confidence = *value;
    }
    words.push_back(std::move(word));
  }
  return words;
}

StatusOr<std::vector<StmSegment>> ReadStm(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::vector<TextLine> lines, ReadTextLines(path));
  std::vector<StmSegment> segments;
  struct Place {
    double end_s;
    int line_number;
  };
  std::map<std::pair<std::string, std::string>, std::map<double, Place>> spans_of_channel;
  for (const TextLine& line : lines) {
    if (line.text.starts_with(";;")) continue;
    std::string_view rest = line.text;
    StmSegment segment;
    segment.file = TakeField(rest);
    segment.channel = TakeField(rest);
    segment.speaker = TakeField(rest);
    const std::string_view start = TakeField(rest), end = TakeField(rest);
    if (end.empty()) return BrokenLine(path, line.number, "expected file, channel, speaker, start and end");
    const auto start_s = ParseNumber(start), end_s = ParseNumber(end);
    if (!start_s || *start_s < 0)
      return BrokenLine(path, line.number, fmt::format("bad start time '{}'", start));
    if (!end_s || *end_s <= *start_s) {
      return BrokenLine(path, line.number, fmt::format("bad end time '{}', the start is {}", end, start));
    }
    segment.start_s = *start_s;
    segment.end_s = *end_s;
    if (rest.starts_with('<') && rest.find('>') != std::string_view::npos) {
      const std::string_view labels = TakeField(rest);
      if (!labels.ends_with('>'))
        return BrokenLine(path, line.number, fmt::format("bad labels '{}'", labels));
    }
    segment.text = rest;
    for (std::string_view words = rest; !words.empty();) {
      const std::string_view word = TakeField(words);
      if (word == "{") {
        return Status::Unsupported("alternatives in braces are not supported")
            .At("line " + std::to_string(line.number))
            .InFile(path);
      }
      const std::string_view ignore = "IGNORE_TIME_SEGMENT_IN_SCORING";
      const std::vector<std::string> upper = NormalizedWords(word);
      if (!upper.empty() && upper[0] == ignore) segment.ignored = true;
    }
    auto& spans = spans_of_channel[{segment.file, segment.channel}];
    const auto later = spans.lower_bound(segment.start_s);
    const Place* clash = later != spans.end() && later->first < segment.end_s ? &later->second : nullptr;
    if (later != spans.begin() && std::prev(later)->second.end_s > segment.start_s)
      clash = &std::prev(later)->second;
    if (clash != nullptr) {
      return BrokenLine(path, line.number,
                        fmt::format("the segment overlaps that of line {}", clash->line_number));
    }
    spans.emplace(segment.start_s, Place{segment.end_s, line.number});
    segments.push_back(std::move(segment));
  }
  return segments;
}

}  // namespace skald
