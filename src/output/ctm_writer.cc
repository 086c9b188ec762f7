#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "output/plain_text.h"
#include "output/writers.h"

namespace skald {
namespace {

std::string Seconds(int64_t milliseconds) {
  return fmt::format("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
}

}  // namespace

// NIST CTM: "file channel start duration word confidence", ordered by channel and start within a file.
std::string WriteCtm(const Transcript& transcript, const OutputOptions& options) {
  struct Line {
    int channel;
    int64_t start_ms;
    std::string rest;
  };
  std::vector<Line> lines;
  for (const Segment& segment : transcript.segments) {
    for (const Word& word : WordsOf(segment)) {
      const std::string text = Field(word.text);
      if (text.empty()) continue;
      const int64_t start_ms = ToMilliseconds(word.start_s);
      const int64_t duration_ms = std::max<int64_t>(0, ToMilliseconds(word.end_s) - start_ms);
      const int64_t thousandths = std::llround(ToProbability(word.confidence) * 1000.0);
      lines.push_back({segment.channel, start_ms,
                       fmt::format("{} {} {}", Seconds(duration_ms), text, Seconds(thousandths))});
    }
  }
  std::stable_sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
    return a.channel != b.channel ? a.channel < b.channel : a.start_ms < b.start_ms;
  });
  const std::string file_id = FileId(transcript.source, options.several_tracks);
  std::string out;
  for (const Line& line : lines) {
    out += fmt::format("{} {} {} {}\n", file_id, ChannelName(line.channel, options.split_channels),
                       Seconds(line.start_ms), line.rest);
  }
  return out;
}

}  // namespace skald
