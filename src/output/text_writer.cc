#include <fmt/format.h>

#include "output/plain_text.h"
#include "output/writers.h"

namespace skald {

std::string WriteText(const Transcript& transcript, const OutputOptions& options) {
  std::string out;
  for (const Segment& segment : transcript.segments) {
    const std::string text = SingleLine(segment.text);
    if (text.empty()) continue;
    if (options.times_in_text) {
      out += fmt::format("[{} - {}] ", ClockTime(ToMilliseconds(segment.start_s), '.', 2),
                         ClockTime(ToMilliseconds(segment.end_s), '.', 2));
    }
    const std::string label = ChannelLabel(segment.channel, options);
    if (!label.empty()) out += label + ": ";
    out += text + "\n";
  }
  return out;
}

}  // namespace skald
