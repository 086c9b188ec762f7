#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace skald {

/// Reads a token list, "SYMBOL ID" a line, split at the last space, the IDs 0..n-1 each once in any order;
/// returns the symbols by ID, one at least. Fails with kCorrupt, naming file and line.
StatusOr<std::vector<std::string>> ReadTokenList(const std::string& path);

}  // namespace skald
