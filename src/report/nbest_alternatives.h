#pragma once

#include "base/results.h"
#include "base/status.h"

namespace skald {

/// Gives the words of a segment the alternatives that its n-best list has in their places: strings weigh
/// exp(-scale * cost), each is aligned to the words. Words of the list between the segment's words are left
/// out. Does nothing where the list has fewer than two strings or words have alternatives already.
Status AddNbestAlternatives(double scale, Segment* segment);

}  // namespace skald
