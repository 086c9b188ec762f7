#pragma once

#include <string>

#include "base/status.h"

namespace skald {

/// Folder of a model that comes with Skald: the value of the environment variable `variable`; else
/// models/`name`, or share/skald/models/`name`, in a folder above the library or the running program, where it holds `file`.
/// kNotFound names the places.
StatusOr<std::string> FindModelFolder(const std::string& name, const std::string& file, const char* variable);

}  // namespace skald
