#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace skald {

/// A query as a tree.
///
///     query   := near (OR near)*
///     near    := phrase (NEAR[/SECONDS] phrase)*      10 seconds where none are given
///     phrase  := item+                                one word after the other
///     item    := WORD | "WORD..." | ( query )
///
/// OR and NEAR in capitals are operators, in quotes they are words. In a word `*` stands for any letters and
/// `?` for one; `*` alone is any word. Inside a phrase of several items parentheses hold alternatives of
/// single words.
struct Query {
  enum class Kind { kPhrase, kOr, kNear };
  /// What may stand at one place of a phrase: patterns in upper case; a lone "*" is any word.
  using Slot = std::vector<std::string>;

  Kind kind = Kind::kPhrase;
  std::vector<Slot> slots;   ///< of a phrase, at least one
  std::vector<Query> parts;  ///< of kOr and kNear, at least two
  double within_s = 0;       ///< of kNear
  /// Factor on the probabilities of this part of a kOr, in (0, 1].
  double weight = 1;
};

/// kInvalidArgument, with the character, for what is no query.
StatusOr<Query> ParseQuery(std::string_view text);

/// The phrase of these words; `words` in any case.
Query PhraseQuery(const std::vector<std::string>& words, double weight = 1);

}  // namespace skald
