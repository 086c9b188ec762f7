#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "decoder/kws/query.h"

namespace skald {

/// What became of a query.
struct ExpandedQuery {
  Query query;
  bool changed = false;  ///< words were replaced by what sounds like them
  /// For people, where nothing is found: what was looked for instead of which word.
  std::string tried;
};

/// Replaces the words of a query that the recognizer cannot have written by what it may have written instead:
/// words that sound alike, weighted by how alike. Thread safe once made.
class KeywordExpansion {
 public:
  /// Reads the pronunciations that the recognizer knows ("WORD<TAB>PHONES" lines, gzip allowed) and learns to
  /// pronounce others from them, in two or three seconds. `vocabulary` are the words of the index, in upper
  /// case.
  static StatusOr<std::unique_ptr<KeywordExpansion>> Create(const std::string& pronunciations_path,
                                                            const std::vector<std::string>& vocabulary);
  ~KeywordExpansion();

  /// A word is replaced where `is_indexed` denies it and no pronunciation of it is known: one that the
  /// recognizer knows, but the index lacks, was not said. Depends on the vocabulary only, not on how it is
  /// spread.
  ExpandedQuery Expand(const Query& query, const std::function<bool(const std::string&)>& is_indexed) const;

 private:
  struct State;
  explicit KeywordExpansion(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace skald
