#include <fmt/format.h>
#include <set>

#include "base/markup.h"
#include "output/plain_text.h"
#include "output/subtitle_formatter.h"
#include "output/writers.h"

namespace skald {
namespace {

// Timed Text Markup Language 1 (W3C Recommendation, 3rd edition); docs/formats.md lists the rules that tests
// check.
class TtmlFormatter : public SubtitleFormatter {
 public:
  explicit TtmlFormatter(const OutputOptions& options) : SubtitleFormatter(options, false) {}

  std::string Head(const Transcript& about) const override {
    std::string agents;
    for (const int channel : channels_) {
      agents += fmt::format(
          "      <ttm:agent xml:id=\"channel{0}\" type=\"other\"><ttm:name "
          "type=\"full\">{1}</ttm:name></ttm:agent>\n",
          channel + 1, ChannelLabel(channel, options_));
    }
    return fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<tt xmlns=\"http://www.w3.org/ns/ttml\" xmlns:ttm=\"http://www.w3.org/ns/ttml#metadata\"\n"
        "    xmlns:ttp=\"http://www.w3.org/ns/ttml#parameter\" "
        "xmlns:tts=\"http://www.w3.org/ns/ttml#styling\"\n"
        "    xmlns:skald=\"urn:skald:metadata\" ttp:timeBase=\"media\" xml:lang=\"{}\">\n"
        "  <head>\n"
        "    <metadata>\n"
        "      <ttm:title>{}</ttm:title>\n"
        "{}"
        "    </metadata>\n"
        "    <styling>\n"
        "      <style xml:id=\"text\" tts:color=\"white\" tts:fontFamily=\"proportionalSansSerif\""
        " tts:textAlign=\"center\"/>\n"
        "    </styling>\n"
        "    <layout>\n"
        "      <region xml:id=\"bottom\" tts:origin=\"10% 70%\" tts:extent=\"80% 25%\" "
        "tts:displayAlign=\"after\"/>\n"
        "    </layout>\n"
        "  </head>\n"
        "  <body region=\"bottom\" style=\"text\">\n"
        "    <div>\n",
        EscapeMarkup(SingleLine(options_.language), true), EscapeMarkup(SingleLine(about.source.path), false),
        agents);
  }

  std::string Tail(const Transcript& about) override {
    return SubtitleFormatter::Tail(about) + "    </div>\n  </body>\n</tt>\n";
  }

 protected:
  std::string FormatCues(const std::vector<SubtitleCue>& cues) override {
    std::string out;
    for (const SubtitleCue& cue : cues) {
      const std::string agent =
          options_.split_channels ? fmt::format(" ttm:agent=\"channel{}\"", cue.channel + 1) : std::string();
      out += fmt::format("      <p begin=\"{}\" end=\"{}\"{} skald:confidence=\"{:.2f}\">",
                         ClockTime(cue.start_ms, '.'), ClockTime(cue.end_ms, '.'), agent, cue.confidence);
      for (size_t i = 0; i < cue.lines.size(); ++i) {
        out += (i == 0 ? "" : "<br/>") + EscapeMarkup(cue.lines[i], false);
      }
      out += "</p>\n";
      if (options_.split_channels) channels_.insert(cue.channel);
    }
    return out;
  }

 private:
  std::set<int> channels_;  // of the cues, where they are split
};

}  // namespace

std::unique_ptr<TranscriptFormatter> MakeTtmlFormatter(const OutputOptions& options) {
  return std::make_unique<TtmlFormatter>(options);
}

}  // namespace skald
