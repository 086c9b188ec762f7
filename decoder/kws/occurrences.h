#pragma once

#include <cstdint>
#include <vector>

namespace skald {

/// A place in an utterance where something may have been said.
struct Occurrence {
  int32_t start_frame = 0;  ///< [start_frame, end_frame)
  int32_t end_frame = 0;
  double probability = 0;

  bool operator==(const Occurrence&) const = default;
};

/// Joins occurrences that are alternatives of one another, in place: those of the same frames are one, and,
/// in the order of time, an occurrence belongs to the group before it where it starts before the end of that
/// group's likeliest one. A group becomes its likeliest occurrence (the earliest of equals), with the sum of
/// all probabilities, at most 1. The result depends on the set only, not on its order.
void GroupOccurrences(std::vector<Occurrence>* occurrences);

}  // namespace skald
