#pragma once

#include <string>
#include <vector>

#include "base/keyword_hits.h"
#include "base/status.h"

namespace skald {

/// Reads what `skald search --format json` prints. kCorrupt names the file and what is wrong.
StatusOr<std::vector<KeywordSearchResult>> ReadSearchResults(const std::string& path);

}  // namespace skald
