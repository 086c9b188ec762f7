#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/results.h"

namespace skald::test {

/// A segment of words of equal length from `start_s` to `end_s`; the text is the words joined.
Segment MakeSegment(double start_s, double end_s, const std::vector<std::string>& words, int channel = 0);

/// Named transcripts that the golden files are made of: ordinary, two channels, awkward text, empty.
std::vector<std::pair<std::string, Transcript>> SampleTranscripts();

}  // namespace skald::test
