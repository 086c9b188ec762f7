#pragma once

#include "base/status.h"
#include "models/bundle/architecture_sizes.h"
#include "models/bundle/strict_json.h"

namespace skald {

/// Reads the "architecture" object of a bundle.json: its type and sizes (models/bundle/FORMAT.md), every
/// value's range and what has to fit together checked. kUnsupported for an unknown type and for sizes that
/// Skald does not run, kCorrupt otherwise; both name the member.
StatusOr<ArchitectureSizes> ReadArchitectureSizes(const JsonObject& object);

/// The same as a JSON object without "weights"; what ReadArchitectureSizes reads.
nlohmann::ordered_json ArchitectureSizesToJson(const ArchitectureSizes& sizes);

}  // namespace skald
