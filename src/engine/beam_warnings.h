#pragma once

#include <span>
#include <vector>

#include "base/results.h"

namespace skald {

/// A warning for each limit that made beams smaller than asked for in some of `segments`: the search's
/// (max_active, the size of its tables), where it left less than two thirds of the beam, and the word
/// lattice's (max_elements), whatever it left. The time is that of the segment where it mattered most. Beams
/// in nats; effective beams of 0 count as not known.
std::vector<Warning> BeamWarnings(std::span<const Segment> segments, double beam, double lattice_beam);

}  // namespace skald
