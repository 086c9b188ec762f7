#pragma once

#include <string>
#include <vector>

namespace skald {

/// One line of `skald doctor`: what was looked at and what was found.
struct Finding {
  std::string what;   ///< e.g. "processor"
  std::string found;  ///< for people to read
  bool good = true;   ///< false: something that most users will want to mend
};

/// Processor, devices, libraries and the default bundle, as this build sees them. Never fails.
std::vector<Finding> ExamineEnvironment();

}  // namespace skald
