#pragma once

#include <functional>
#include <string>

namespace skald {

/// Hears of a graph being built: fraction in [0, 1], never falling, and the phase.
using BuildProgress = std::function<void(double fraction, const std::string& phase)>;

}  // namespace skald
