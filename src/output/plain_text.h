#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/results.h"

namespace skald {

/// `text` as one line of valid UTF-8 that every format can hold: white space and control characters become
/// single spaces, none at the ends; what is not UTF-8, and the noncharacters that XML forbids, become U+FFFD.
std::string SingleLine(std::string_view text);

/// `text` without white space, for the fields of a CTM: each stretch of it becomes '_'.
std::string Field(std::string_view text);

/// Name of the media file without folder and extension as a field, never the start of a comment (";;");
/// "stdin" for standard input; with "-track2" behind it where a file has several tracks.
std::string FileId(const Transcript::Source& source, bool several_tracks);

/// "1", or "A", "B", ... where channels are split.
std::string ChannelName(int channel, bool split_channels);

/// A confidence within [0, 1]; what is not finite is 0.
double ToProbability(double confidence);

/// "HH:MM:SS" + `separator` + a fraction of `decimals` (2 or 3) digits; hours grow beyond two digits where
/// need be.
std::string ClockTime(int64_t milliseconds, char separator, int decimals = 3);

/// The words of a segment. Where it has a text but no words, the text is cut at spaces and its time shared
/// out by length.
std::vector<Word> WordsOf(const Segment& segment);

}  // namespace skald
