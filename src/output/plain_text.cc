#include "output/plain_text.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>

#include "base/utf8.h"

namespace skald {
namespace {

bool IsSpaceOrControl(char32_t c) {
  return c <= 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

std::string JoinBySeparator(std::string_view text, char separator) {
  std::string joined;
  bool pending_separator = false;
  for (size_t position = 0; position < text.size();) {
    const char32_t c = NextCodePoint(text, position);
    if (IsSpaceOrControl(c)) {
      pending_separator = !joined.empty();
      continue;
    }
    if (pending_separator) joined += separator;
    pending_separator = false;
    AppendUtf8((c & 0xFFFE) == 0xFFFE ? char32_t{0xFFFD} : c, joined);
  }
  return joined;
}

}  // namespace

std::string SingleLine(std::string_view text) { return JoinBySeparator(text, ' '); }

std::string Field(std::string_view text) { return JoinBySeparator(text, '_'); }

std::string FileId(const Transcript::Source& source, bool several_tracks) {
  std::string id = Field(std::filesystem::path(source.path).stem().string());
  if (id.empty() || id == "-") id = "stdin";
  if (id.starts_with(';')) id[0] = '_';
  return several_tracks ? fmt::format("{}-track{}", id, source.track + 1) : id;
}

std::string ChannelName(int channel, bool split_channels) {
  if (!split_channels) return "1";
  return channel >= 0 && channel < 26 ? std::string(1, static_cast<char>('A' + channel))
                                      : std::to_string(channel + 1);
}

double ToProbability(double confidence) {
  return std::isfinite(confidence) ? std::clamp(confidence, 0.0, 1.0) : 0.0;
}

std::string ClockTime(int64_t milliseconds, char separator, int decimals) {
  if (decimals == 2) milliseconds = (milliseconds + 5) / 10 * 10;
  const int64_t seconds = milliseconds / 1000;
  const int64_t fraction = decimals == 2 ? milliseconds % 1000 / 10 : milliseconds % 1000;
  return fmt::format("{:02}:{:02}:{:02}{}{:0{}}", seconds / 3600, seconds / 60 % 60, seconds % 60, separator,
                     fraction, decimals);
}

std::vector<Word> WordsOf(const Segment& segment) {
  if (!segment.words.empty()) return segment.words;
  const std::string text = SingleLine(segment.text);
  std::vector<Word> words;
  const double duration_s = std::max(0.0, segment.end_s - segment.start_s);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const double length = static_cast<double>(text.size());
    words.push_back({text.substr(begin, end - begin),
                     segment.start_s + duration_s * (static_cast<double>(begin) / length),
                     segment.start_s + duration_s * (static_cast<double>(end) / length), segment.confidence});
    begin = end + 1;
  }
  return words;
}

}  // namespace skald
