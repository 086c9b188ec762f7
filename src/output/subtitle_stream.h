#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "base/results.h"
#include "output/output_format.h"
#include "output/subtitle_layout.h"

namespace skald {

/// The subtitles of every channel, ordered by start time, then channel, from segments that come one by one,
/// ordered like TranscriptFormatter's. Each channel is laid out on its own, so cues of different channels may
/// overlap. Not thread safe.
class SubtitleStream {
 public:
  /// `label_in_text` reserves room for "Channel 1: " in the first line.
  SubtitleStream(const OutputOptions& options, bool label_in_text)
      : options_(options), label_in_text_(label_in_text) {}

  /// The cues that no further segment can change or come before.
  std::vector<SubtitleCue> Add(const Segment& segment);
  /// What is left.
  std::vector<SubtitleCue> Finish();

 private:
  SubtitleLayout& LayoutOf(int channel);
  void Wait(std::vector<SubtitleCue> settled);
  std::vector<SubtitleCue> TakeBefore(int64_t start_ms);

  const OutputOptions options_;
  const bool label_in_text_;
  std::map<int, SubtitleLayout> layouts_;                        // by channel
  std::multimap<std::pair<int64_t, int>, SubtitleCue> waiting_;  // settled, by start and channel
};

}  // namespace skald
