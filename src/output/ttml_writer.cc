#include <fmt/format.h>
#include <set>

#include "output/plain_text.h"
#include "output/writers.h"

namespace skald {

// Timed Text Markup Language 1 (W3C Recommendation, 3rd edition); docs/formats.md lists the rules that tests
// check.
std::string WriteTtml(const Transcript& transcript, const OutputOptions& options) {
  const std::vector<SubtitleCue> cues = SubtitlesOf(transcript, options, false);
  std::string agents;
  if (options.split_channels) {
    std::set<int> channels;
    for (const SubtitleCue& cue : cues) channels.insert(cue.channel);
    for (const int channel : channels) {
      agents += fmt::format(
          "      <ttm:agent xml:id=\"channel{0}\" type=\"other\"><ttm:name "
          "type=\"full\">{1}</ttm:name></ttm:agent>\n",
          channel + 1, ChannelLabel(channel, options));
    }
  }
  std::string out = fmt::format(
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
      EscapeMarkup(SingleLine(options.language), true),
      EscapeMarkup(SingleLine(transcript.source.path), false), agents);
  for (const SubtitleCue& cue : cues) {
    const std::string agent =
        options.split_channels ? fmt::format(" ttm:agent=\"channel{}\"", cue.channel + 1) : std::string();
    out += fmt::format("      <p begin=\"{}\" end=\"{}\"{} skald:confidence=\"{:.2f}\">",
                       ClockTime(cue.start_ms, '.'), ClockTime(cue.end_ms, '.'), agent, cue.confidence);
    for (size_t i = 0; i < cue.lines.size(); ++i) {
      out += (i == 0 ? "" : "<br/>") + EscapeMarkup(cue.lines[i], false);
    }
    out += "</p>\n";
  }
  return out + "    </div>\n  </body>\n</tt>\n";
}

}  // namespace skald
