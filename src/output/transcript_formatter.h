#pragma once

#include <memory>
#include <string>

#include "base/results.h"
#include "output/output_format.h"

namespace skald {

/// Writes the file of one transcript segment by segment, so that the segments need not be in memory at the
/// same time. The file is Head, then what Add gave, in order, then Tail. Belongs to one thread.
class TranscriptFormatter {
 public:
  /// Of a track of `source`, whose path and track count. `options.subtitles` must be valid.
  static std::unique_ptr<TranscriptFormatter> Create(OutputFormat format, const OutputOptions& options,
                                                     const Transcript::Source& source);
  virtual ~TranscriptFormatter() = default;

  /// The text that is now certain to come next. Segments come by start in whole milliseconds, then channel,
  /// and no word starts before its segment. What is held back is bounded, but for the CTM of split channels,
  /// whose lines all channels but the first wait for the end.
  std::string Add(const Segment& segment);

  // What depends on the whole, after the last segment: once, and Tail before Head, which may depend on what
  // was held back. The segments of `about` do not count.
  virtual std::string Tail(const Transcript& about) = 0;
  virtual std::string Head(const Transcript& about) const;

 protected:
  explicit TranscriptFormatter(const OutputOptions& options) : options_(options) {}
  /// Add, with the wanted letter case.
  virtual std::string Format(const Segment& segment) = 0;

  const OutputOptions options_;
};

}  // namespace skald
