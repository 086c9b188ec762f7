#pragma once

#include <span>
#include <vector>

#include "decoder/combine/system_word.h"

namespace skald {

/// How much later the middles of the words of `words` lie than those of the same words of `reference`, one
/// difference for each pair of equal words that the alignment of the two puts together, in order. Words are
/// in order of time. Empty where the two have no word in common, or too many words to align.
std::vector<double> WordTimeOffsets(const std::vector<SystemWord>& reference,
                                    const std::vector<SystemWord>& words);

/// The middle one of `offsets` (the lower of two); 0 where there are none.
double MedianOffset(std::vector<double> offsets);

}  // namespace skald
