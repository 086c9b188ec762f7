#pragma once

#include <string>

#include "base/status.h"
#include "decoder/graph/arpa.h"

namespace skald {

/// Writes `model` to `path` as NgramModel reads it, atomically. The same model and recipe give the same
/// bytes. `recipe_json` says where the model came from. Every n-gram keeps its probability and weight
/// exactly. kUnsupported for more than 16 million different probabilities.
Status BuildNgramModel(const ArpaModel& model, const std::string& recipe_json, const std::string& path);

/// The same from an ARPA file, plain or gzip; the recipe names the file and its SHA-256. Errors of the source
/// name its file and line.
Status BuildNgramModelFromArpa(const std::string& arpa_path, const std::string& path);

/// Part of cache keys: rises whenever the same source would give other bytes.
inline constexpr int kNgramBuilderVersion = 1;

}  // namespace skald
