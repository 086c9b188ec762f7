#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/results.h"
#include "output/output_format.h"
#include "output/subtitle_layout.h"

namespace skald::test {

/// A segment of words of equal length from `start_s` to `end_s`; the text is the words joined.
Segment MakeSegment(double start_s, double end_s, const std::vector<std::string>& words, int channel = 0);

/// Named transcripts that the golden files are made of: ordinary, two channels, awkward text, empty.
std::vector<std::pair<std::string, Transcript>> SampleTranscripts();

/// All subtitles of a transcript whose segments are ordered.
std::vector<SubtitleCue> SubtitlesOf(const Transcript& transcript, const OutputOptions& options,
                                     bool label_in_text);

}  // namespace skald::test
