#include <fmt/format.h>

#include "base/milliseconds.h"
#include "output/plain_text.h"
#include "output/writers.h"

namespace skald {
namespace {

class TextFormatter : public TranscriptFormatter {
 public:
  explicit TextFormatter(const OutputOptions& options) : TranscriptFormatter(options) {}

  std::string Tail(const Transcript&) override { return {}; }

 protected:
  std::string Format(const Segment& segment) override {
    const std::string text = SingleLine(segment.text);
    if (text.empty()) return {};
    std::string line;
    if (options_.times_in_text) {
      line += fmt::format("[{} - {}] ", ClockTime(ToMilliseconds(segment.start_s), '.', 2),
                          ClockTime(ToMilliseconds(segment.end_s), '.', 2));
    }
    const std::string label = ChannelLabel(segment.channel, options_);
    if (!label.empty()) line += label + ": ";
    return line + text + "\n";
  }
};

}  // namespace

std::unique_ptr<TranscriptFormatter> MakeTextFormatter(const OutputOptions& options) {
  return std::make_unique<TextFormatter>(options);
}

}  // namespace skald
