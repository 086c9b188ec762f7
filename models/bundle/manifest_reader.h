#pragma once

#include <string_view>

#include "base/status.h"
#include "models/bundle/bundle.h"

namespace skald {

/// Reads the text of a bundle.json (fields: models/bundle/FORMAT.md). Every value's type and range is
/// checked, and every file that is referred to must be listed under "files". Touches no other file.
StatusOr<BundleManifest> ReadBundleManifest(std::string_view json_text);

}  // namespace skald
