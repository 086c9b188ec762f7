#pragma once

#include <string>
#include <vector>

#include "output/subtitle_stream.h"
#include "output/transcript_formatter.h"

namespace skald {

/// What the formats of subtitles share: cues are written as soon as they are settled.
class SubtitleFormatter : public TranscriptFormatter {
 public:
  std::string Tail(const Transcript&) override { return FormatCues(subtitles_.Finish()); }

 protected:
  /// `label_in_text` as in SubtitleStream.
  SubtitleFormatter(const OutputOptions& options, bool label_in_text)
      : TranscriptFormatter(options), subtitles_(options, label_in_text) {}

  std::string Format(const Segment& segment) override { return FormatCues(subtitles_.Add(segment)); }
  /// The text of cues that follow those of the calls before.
  virtual std::string FormatCues(const std::vector<SubtitleCue>& cues) = 0;

 private:
  SubtitleStream subtitles_;
};

}  // namespace skald
