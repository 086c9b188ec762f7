#include <cmath>
#include <fmt/format.h>
#include <map>

#include "base/milliseconds.h"
#include "output/plain_text.h"
#include "output/writers.h"

namespace skald {
namespace {

std::string Seconds(int64_t milliseconds) {
  return fmt::format("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
}

// NIST CTM: "file channel start duration word confidence", ordered by channel and start within a file.
class CtmFormatter : public TranscriptFormatter {
 public:
  CtmFormatter(const OutputOptions& options, const Transcript::Source& source)
      : TranscriptFormatter(options), file_id_(FileId(source, options.several_tracks)) {}

  std::string Tail(const Transcript&) override {
    std::string out;
    for (auto& [channel, lines] : channels_) out += lines.settled + Take(&lines, nullptr);
    return out;
  }

 protected:
  std::string Format(const Segment& segment) override {
    // Lines that start where this segment does, or before, come before all that are to come.
    const int64_t start_ms = ToMilliseconds(segment.start_s);
    for (auto& [channel, lines] : channels_) lines.settled += Take(&lines, &start_ms);
    for (const Word& word : WordsOf(segment)) {
      const std::string text = Field(word.text);
      if (text.empty()) continue;
      const int64_t word_ms = ToMilliseconds(word.start_s);
      const int64_t duration_ms = std::max<int64_t>(0, ToMilliseconds(word.end_s) - word_ms);
      const int64_t thousandths = std::llround(ToProbability(word.confidence) * 1000.0);
      channels_[segment.channel].waiting.emplace(
          word_ms,
          fmt::format("{} {} {} {} {} {}\n", file_id_, ChannelName(segment.channel, options_.split_channels),
                      Seconds(word_ms), Seconds(duration_ms), text, Seconds(thousandths)));
    }
    // Where there are several channels, all but the first wait for the end: one may come before it yet.
    if (options_.split_channels || channels_.empty()) return {};
    return std::exchange(channels_.begin()->second.settled, {});
  }

 private:
  /// Lines of a channel: those whose place is known, and the last ones by start.
  struct Lines {
    std::string settled;
    std::multimap<int64_t, std::string> waiting;
  };

  /// The lines that wait up to `until_ms`; null: all.
  static std::string Take(Lines* lines, const int64_t* until_ms) {
    const auto end = until_ms == nullptr ? lines->waiting.end() : lines->waiting.upper_bound(*until_ms);
    std::string out;
    for (auto line = lines->waiting.begin(); line != end; ++line) out += line->second;
    lines->waiting.erase(lines->waiting.begin(), end);
    return out;
  }

  const std::string file_id_;
  std::map<int, Lines> channels_;
};

}  // namespace

std::unique_ptr<TranscriptFormatter> MakeCtmFormatter(const OutputOptions& options,
                                                      const Transcript::Source& source) {
  return std::make_unique<CtmFormatter>(options, source);
}

}  // namespace skald
