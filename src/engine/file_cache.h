#pragma once

#include <functional>
#include <string>

#include "base/status.h"

namespace skald {

/// `path`, after calling `make`, which writes that file atomically, where it does not exist yet. Makes the
/// folder. Processes that need the same file at the same time wait for the one that makes it; a process that
/// dies leaves nothing that keeps others waiting. Fails as `make` does, or with kIo.
StatusOr<std::string> CachedFile(const std::string& path, const std::function<Status()>& make);

}  // namespace skald
