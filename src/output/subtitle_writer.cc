#include <fmt/format.h>

#include "base/markup.h"
#include "output/plain_text.h"
#include "output/subtitle_formatter.h"
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

class SrtFormatter : public SubtitleFormatter {
 public:
  explicit SrtFormatter(const OutputOptions& options) : SubtitleFormatter(options, true) {}

 protected:
  std::string FormatCues(const std::vector<SubtitleCue>& cues) override {
    std::string out;
    for (const SubtitleCue& cue : cues) {
      out +=
          fmt::format("{}\n{} --> {}\n", ++number_, ClockTime(cue.start_ms, ','), ClockTime(cue.end_ms, ','));
      const std::string label = ChannelLabel(cue.channel, options_);
      if (!label.empty()) out += label + ": ";
      for (const std::string& line : cue.lines) out += SubRipText(line) + "\n";
      out += "\n";
    }
    return out;
  }

 private:
  int number_ = 0;
};

class VttFormatter : public SubtitleFormatter {
 public:
  explicit VttFormatter(const OutputOptions& options) : SubtitleFormatter(options, true) {}

  std::string Head(const Transcript&) const override { return "WEBVTT\n\n"; }

 protected:
  std::string FormatCues(const std::vector<SubtitleCue>& cues) override {
    std::string out;
    for (const SubtitleCue& cue : cues) {
      out += fmt::format("NOTE confidence {:.2f}\n\n", cue.confidence);  // players skip notes
      out += fmt::format("{} --> {}\n", ClockTime(cue.start_ms, '.'), ClockTime(cue.end_ms, '.'));
      const std::string label = ChannelLabel(cue.channel, options_);
      if (!label.empty()) out += "<v " + label + ">" + label + ": ";
      for (const std::string& line : cue.lines) out += EscapeMarkup(line, false) + "\n";
      out += "\n";
    }
    return out;
  }
};

}  // namespace

std::unique_ptr<TranscriptFormatter> MakeSrtFormatter(const OutputOptions& options) {
  return std::make_unique<SrtFormatter>(options);
}

std::unique_ptr<TranscriptFormatter> MakeVttFormatter(const OutputOptions& options) {
  return std::make_unique<VttFormatter>(options);
}

}  // namespace skald
