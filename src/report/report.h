#pragma once

#include <string>
#include <vector>

#include "base/keyword_hits.h"
#include "base/results.h"
#include "base/status.h"

namespace skald {

/// How a report has a recording's media file.
enum class ReportMedia {
  kLink,   ///< by its path relative to the report: small, and both must stay together
  kEmbed,  ///< inside of the report: a third larger than the file, and needs nothing else
};

struct ReportRecording {
  Transcript transcript;   ///< all words with times
  std::string media_path;  ///< empty: the report has no player for this recording
};

struct Report {
  std::string title;
  std::vector<ReportRecording> recordings;  ///< one at least
  std::vector<KeywordSearchResult> searches;
  ReportMedia media = ReportMedia::kLink;
};

/// Writes the report to `path`, at once or not at all: one HTML file that needs no network and runs no script
/// but its own, whatever names and words are. Hits belong to the recording of the same file and track, or
/// else of the same file name where there is but one. kInvalidArgument for words without times,
/// kResourceExhausted for files too large to embed (256 MB each), and the reasons of reading media.
Status WriteReport(const Report& report, const std::string& path);

}  // namespace skald
