#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace skald {

enum class EditKind : uint8_t { kCorrect, kSubstitution, kInsertion, kDeletion };

/// One step of an alignment. `reference` or `hypothesis` is the index of the word, -1 where there is none.
struct Edit {
  EditKind kind;
  int reference;
  int hypothesis;
};

/// sclite's default costs. They are not the Levenshtein distance: two subs (8) cost more than one insertion
/// plus one deletion (6), so the counts differ from those of a scorer that only minimises the number of
/// errors.
struct AlignmentCosts {
  int substitution = 4;
  int insertion = 3;
  int deletion = 3;
};

/// An alignment of least cost, in order. Among alignments of equal cost, from the end backwards, a match or
/// substitution is taken before an insertion and that before a deletion: the choice of sclite, found by
/// comparing with it on random texts (sclite_agrees_test.cc), so that the counts are equal and not only the
/// cost. O(reference * hypothesis) time, a quarter byte for each pair; kResourceExhausted beyond 2^34 pairs
/// (130,000 words against as many). Costs must be > 0.
StatusOr<std::vector<Edit>> AlignWords(std::span<const std::string> reference,
                                       std::span<const std::string> hypothesis,
                                       const AlignmentCosts& costs = {});

}  // namespace skald
