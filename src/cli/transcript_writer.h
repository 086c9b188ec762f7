#pragma once

#include <string>
#include <vector>

#include "base/results.h"
#include "base/status.h"
#include "output/output_format.h"

namespace skald::cli {

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

  /// Writes the tracks of one input, each file at once or not at all. The files' names below the folder.
  StatusOr<std::vector<std::string>> Write(const std::string& output_stem,
                                           const std::vector<Transcript>& transcripts) const;

 private:
  const std::string folder_;
  const std::vector<OutputFormat> formats_;
  const OutputOptions options_;
  const bool several_inputs_;
};

}  // namespace skald::cli
