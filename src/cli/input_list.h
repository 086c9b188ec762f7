#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace skald::cli {

/// One thing to transcribe, and the name of its outputs relative to the output folder, without an ending.
struct Input {
  std::string path;         ///< "-": standard input
  std::string output_stem;  ///< relative, never absolute, never with ".."
};

/// Expands what the user named into inputs, in order: files as they are; folders recursively, sorted, with
/// every file whose ending is that of a media container; manifests (.txt: a path a line; .jsonl: objects with
/// "path" or "audio_filepath"), whose relative paths start at the manifest's folder; "-" once. An output stem
/// is the path below the named folder, or the file's name, without its ending; where two inputs would share
/// one, both keep their ending, and where that does not help, a number is added. Fails where a folder or
/// manifest cannot be read.
StatusOr<std::vector<Input>> ExpandInputs(const std::vector<std::string>& named);

}  // namespace skald::cli
