#include <fmt/format.h>

#include "output/plain_text.h"
#include "output/writers.h"

namespace skald {
namespace {

/// SubRip has no escapes, but players take <...> for markup and {\...} for positions: look-alikes are shown
/// as meant. This also keeps "-->" out of the text.
std::string SubRipText(const std::string& text) {
  std::string safe;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '<') {
      safe += "\u2039";
    } else if (text[i] == '>') {
      safe += "\u203A";
    } else if (text[i] == '{' && i + 1 < text.size() && text[i + 1] == '\\') {
      safe += '(';
    } else {
      safe += text[i];
    }
  }
  return safe;
}

}  // namespace

std::string WriteSrt(const Transcript& transcript, const OutputOptions& options) {
  std::string out;
  int number = 0;
  for (const SubtitleCue& cue : SubtitlesOf(transcript, options, true)) {
    out += fmt::format("{}\n{} --> {}\n", ++number, ClockTime(cue.start_ms, ','), ClockTime(cue.end_ms, ','));
    const std::string label = ChannelLabel(cue.channel, options);
    if (!label.empty()) out += label + ": ";
    for (const std::string& line : cue.lines) out += SubRipText(line) + "\n";
    out += "\n";
  }
  return out;
}

std::string WriteVtt(const Transcript& transcript, const OutputOptions& options) {
  std::string out = "WEBVTT\n\n";
  for (const SubtitleCue& cue : SubtitlesOf(transcript, options, true)) {
    out += fmt::format("NOTE confidence {:.2f}\n\n", cue.confidence);  // players skip notes
    out += fmt::format("{} --> {}\n", ClockTime(cue.start_ms, '.'), ClockTime(cue.end_ms, '.'));
    const std::string label = ChannelLabel(cue.channel, options);
    if (!label.empty()) out += "<v " + label + ">" + label + ": ";
    for (const std::string& line : cue.lines) out += EscapeMarkup(line, false) + "\n";
    out += "\n";
  }
  return out;
}

}  // namespace skald
