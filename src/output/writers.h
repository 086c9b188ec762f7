#pragma once

#include <memory>
#include <string>

#include "base/results.h"
#include "output/output_format.h"
#include "output/transcript_formatter.h"

namespace skald {

// One function per format.
std::unique_ptr<TranscriptFormatter> MakeTextFormatter(const OutputOptions& options);
std::unique_ptr<TranscriptFormatter> MakeJsonFormatter(const OutputOptions& options);
std::unique_ptr<TranscriptFormatter> MakeSrtFormatter(const OutputOptions& options);
std::unique_ptr<TranscriptFormatter> MakeVttFormatter(const OutputOptions& options);
std::unique_ptr<TranscriptFormatter> MakeTtmlFormatter(const OutputOptions& options);
std::unique_ptr<TranscriptFormatter> MakeCtmFormatter(const OutputOptions& options,
                                                      const Transcript::Source& source);
std::unique_ptr<TranscriptFormatter> MakeLatticeFormatter(const OutputOptions& options,
                                                          const Transcript::Source& source);

/// What stands before the text of a channel: "Channel 1" for index 0; empty unless channels are split.
std::string ChannelLabel(int channel, const OutputOptions& options);

}  // namespace skald
