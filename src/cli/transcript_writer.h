#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/results.h"
#include "base/spooled_text.h"
#include "base/status.h"
#include "output/output_format.h"
#include "output/transcript_formatter.h"

namespace skald::cli {

/// The output files of one input while its segments come. They appear under their names with Commit, all that
/// is complete; before, text that is too long for memory is in files without a name. Belongs to one thread at
/// a time.
class OpenTranscript {
 public:
  /// As TranscriptWriter makes it; `sources` are the input's tracks.
  OpenTranscript(std::string folder, std::vector<OutputFormat> formats, OutputOptions options,
                 std::string output_stem, std::span<const Transcript::Source> sources);

  /// Segments of each track come in the order of TranscriptFormatter.
  void Add(int track, const Segment& segment);
  /// The segments that came.
  int64_t segments() const { return segments_; }

  /// Writes the files; the tracks' transcripts have no segments of their own. Their names below the folder.
  /// Fails also where Add did.
  StatusOr<std::vector<std::string>> Commit(const std::vector<Transcript>& transcripts);

 private:
  /// One file.
  struct Output {
    OutputFormat format;
    std::unique_ptr<TranscriptFormatter> formatter;
    SpooledText body;
  };

  const std::string folder_;
  const std::vector<OutputFormat> formats_;
  const OutputOptions options_;
  const std::string output_stem_;
  std::map<int, std::vector<Output>> outputs_;  // by track
  int64_t segments_ = 0;
  Status status_;  // the first failure of Add
};

/// Where results go: files below a folder, or standard output.
class TranscriptWriter {
 public:
  /// `folder` empty: standard output, each input under its name where `several_inputs`.
  TranscriptWriter(std::string folder, std::vector<OutputFormat> formats, OutputOptions options,
                   bool several_inputs)
      : folder_(std::move(folder)),
        formats_(std::move(formats)),
        options_(std::move(options)),
        several_inputs_(several_inputs) {}

  /// The output files of one input, below the folder, whose tracks are `sources`.
  std::unique_ptr<OpenTranscript> Open(const std::string& output_stem,
                                       std::span<const Transcript::Source> sources) const {
    return std::make_unique<OpenTranscript>(folder_, formats_, options_, output_stem, sources);
  }

  /// Writes the tracks of one input, each file at once or not at all. The files' names below the folder.
  StatusOr<std::vector<std::string>> Write(const std::string& output_stem,
                                           const std::vector<Transcript>& transcripts) const;

 private:
  std::vector<std::string> Print(const std::vector<Transcript>& transcripts) const;

  const std::string folder_;
  const std::vector<OutputFormat> formats_;
  const OutputOptions options_;
  const bool several_inputs_;
};

}  // namespace skald::cli
