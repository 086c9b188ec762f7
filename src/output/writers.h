#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/results.h"
#include "output/output_format.h"

namespace skald {

// One function per format. Transcripts arrive with ordered segments and the wanted letter case
// (FormatTranscript).
std::string WriteText(const Transcript& transcript, const OutputOptions& options);
std::string WriteJson(const Transcript& transcript);
std::string WriteSrt(const Transcript& transcript, const OutputOptions& options);
std::string WriteVtt(const Transcript& transcript, const OutputOptions& options);
std::string WriteTtml(const Transcript& transcript, const OutputOptions& options);
std::string WriteCtm(const Transcript& transcript, const OutputOptions& options);
std::string WriteLattices(const Transcript& transcript, const OutputOptions& options);

/// What stands before the text of a channel: "Channel 1" for index 0; empty unless channels are split.
std::string ChannelLabel(int channel, const OutputOptions& options);

/// The subtitles of every channel, ordered by start time, then channel; each channel is laid out on its own,
/// so cues of different channels may overlap. `label_in_text` reserves room for "Channel 1: " in the first
/// line.
std::vector<SubtitleCue> SubtitlesOf(const Transcript& transcript, const OutputOptions& options,
                                     bool label_in_text);

}  // namespace skald
