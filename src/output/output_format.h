#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/results.h"
#include "base/status.h"
#include "output/subtitle_layout.h"

namespace skald {

enum class OutputFormat { kText, kJson, kSrt, kVtt, kTtml, kCtm, kLattice };

/// How the letters of words are written. Models give upper case words without punctuation.
enum class TextCase {
  kAsIs,
  kLower,
  kSentence,  ///< lower case, but the first letter of a segment and of the English "I", "I'm", ...
};

/// How transcripts are written; every format reads what concerns it.
struct OutputOptions {
  TextCase text_case = TextCase::kAsIs;  ///< how letters are written
  /// txt: "[00:00:01.20 - 00:00:03.40] " before every segment.
  bool times_in_text = false;
  /// The channels of the file were transcribed one by one: txt and subtitles name the channel, CTM uses A, B,
  /// ...
  bool split_channels = false;
  /// Several tracks of the file were transcribed: the file id of the CTM tells them apart ("stem-track2").
  bool several_tracks = false;
  SubtitleOptions subtitles;  ///< how subtitles are cut
  /// lattice: how the segments' lattices are written; segments that have none of this type are left out.
  LatticeType lattice_type = LatticeType::kKaldiText;
  /// BCP 47 tag of the language of the text, for TTML.
  std::string language = "en";
};

/// The format of that name ("txt", "json", "srt", "vtt", "ttml", "ctm", "lattice"); kInvalidArgument lists
/// the names otherwise.
StatusOr<OutputFormat> ParseOutputFormat(std::string_view name);
/// Comma-separated names, without duplicates, in the order given.
StatusOr<std::vector<OutputFormat>> ParseOutputFormats(std::string_view names);
/// "as-is", "lower" or "sentence".
StatusOr<TextCase> ParseTextCase(std::string_view name);

/// "text", "binary", "openfst" or "slf".
StatusOr<LatticeType> ParseLatticeType(std::string_view name);

/// The format's extension without a dot: its name; for lattices lattice.txt, lattice.ark, fst.txt or slf.
const char* FileExtension(OutputFormat format, const OutputOptions& options);

/// Segments as outputs have them: by start in whole milliseconds, then channel.
std::vector<const Segment*> InOutputOrder(std::span<const Segment> segments);

/// The whole file, but for binary lattices as UTF-8 with Unix line ends. A function of its arguments only:
/// the same transcript gives the same bytes on every machine, whatever its locale. Text that is not valid
/// UTF-8 gets U+FFFD, control characters become spaces, and times that are negative or not finite become 0.
/// Segments are ordered by start time, then channel. `options.subtitles` must be valid
/// (SubtitleOptions::Validate). Thread safe.
std::string FormatTranscript(const Transcript& transcript, OutputFormat format, const OutputOptions& options);

}  // namespace skald
