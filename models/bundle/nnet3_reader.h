#pragma once

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "models/bundle/nnet3_sizes.h"
#include "models/bundle/strict_json.h"

namespace skald {

/// Reads the "architecture" object of a bundle.json of type "nnet3" (models/bundle/FORMAT.md). Every value's
/// type and range is checked, and that layers fit together. kCorrupt naming the member.
StatusOr<Nnet3Sizes> ReadNnet3Sizes(const JsonObject& object);

/// The same as a JSON object without "weights"; what ReadNnet3Sizes reads.
nlohmann::ordered_json Nnet3SizesToJson(const Nnet3Sizes& sizes);

}  // namespace skald
