#include "output/subtitle_stream.h"

#include <algorithm>
#include <limits>

#include "base/milliseconds.h"
#include "base/utf8.h"
#include "output/plain_text.h"
#include "output/writers.h"

namespace skald {

SubtitleLayout& SubtitleStream::LayoutOf(int channel) {
  const auto known = layouts_.find(channel);
  if (known != layouts_.end()) return known->second;
  const std::string label = ChannelLabel(channel, options_);
  const int reserve = label_in_text_ && !label.empty() ? static_cast<int>(CountCodePoints(label)) + 2 : 0;
  return layouts_.try_emplace(channel, options_.subtitles, channel, reserve).first->second;
}

std::vector<SubtitleCue> SubtitleStream::Add(const Segment& segment) {
  const int64_t start_ms = ToMilliseconds(segment.start_s);
  std::vector<SubtitleCue> settled;
  for (auto& [channel, layout] : layouts_) layout.Advance(start_ms, &settled);
  LayoutOf(segment.channel).Add(segment, &settled);
  Wait(std::move(settled));
  int64_t certain_ms = start_ms;
  for (const auto& [channel, layout] : layouts_) {
    certain_ms = std::min(certain_ms, layout.open_start_ms().value_or(certain_ms));
  }
  return TakeBefore(certain_ms);
}

std::vector<SubtitleCue> SubtitleStream::Finish() {
  std::vector<SubtitleCue> settled;
  for (auto& [channel, layout] : layouts_) layout.Finish(&settled);
  Wait(std::move(settled));
  return TakeBefore(std::numeric_limits<int64_t>::max());
}

void SubtitleStream::Wait(std::vector<SubtitleCue> settled) {
  for (SubtitleCue& cue : settled) {
    const std::pair key(cue.start_ms, cue.channel);
    waiting_.emplace(key, std::move(cue));
  }
}

std::vector<SubtitleCue> SubtitleStream::TakeBefore(int64_t start_ms) {
  const auto end = waiting_.lower_bound({start_ms, std::numeric_limits<int>::min()});
  std::vector<SubtitleCue> cues;
  for (auto cue = waiting_.begin(); cue != end; ++cue) cues.push_back(std::move(cue->second));
  waiting_.erase(waiting_.begin(), end);
  return cues;
}

}  // namespace skald
