#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace skald {

/// Sizes of an n-gram model and how it was made.
struct NgramModelInfo {
  std::vector<uint64_t> ngram_counts;  ///< by order, from 1
  uint64_t state_count = 0;
  uint64_t arc_count = 0;
  uint64_t value_count = 0;  ///< different probabilities and weights
  uint64_t word_count = 0;
  uint64_t file_size = 0;   ///< bytes
  std::string recipe_json;  ///< source with its hash
};

/// A back-off n-gram model mapped from a file, as an automaton over words. A state is a history that a listed
/// n-gram continues or that has a back-off weight; its arcs are the n-grams that continue it, everything else
/// goes over its back-off to the next shorter history that is a state. Probabilities are exactly those of the
/// ARPA file, as whole multiples of 1e-6 in base-10 logarithms, so sums do not depend on their order.
/// Move-only; all const members may be called from any thread.
class NgramModel {
 public:
  using State = uint32_t;
  static constexpr uint32_t kNoWord = UINT32_MAX;
  /// Listed probability 0 ("-inf"): beyond any beam, but finite.
  static constexpr int64_t kNever = -2'000'000'000;

  /// Maps a model file (docs/formats.md) and checks all of it: checksums, bounds, order of words, that
  /// back-off leads to shorter histories. kCorrupt, kUnsupported (another version), kNotFound or kIo, naming
  /// the file.
  static StatusOr<NgramModel> Open(const std::string& path);

  NgramModel(NgramModel&&) noexcept;
  NgramModel& operator=(NgramModel&&) noexcept;
  ~NgramModel();

  /// log10 P(word | history) in steps of 1e-6 (LogProb of decoder/graph/arpa.h). Moves *state on by the word.
  /// `word` is below info().word_count. At most `order` binary searches.
  int64_t Score(uint32_t word, State* state) const;

  State start() const;  ///< history <s>, or none where the model has no <s>
  State no_history() const { return 0; }
  int order() const;
  uint32_t sentence_start() const;  ///< <s>, or kNoWord
  uint32_t sentence_end() const;    ///< </s>, or kNoWord
  uint32_t unknown() const;         ///< <unk>, or kNoWord

  std::string_view word(uint32_t word) const;
  /// Numbers of words by their spelling; kNoWord for those that are not in the model. Costs a hash table of
  /// all words: ask for many at once.
  std::vector<uint32_t> FindWords(size_t count,
                                  const std::function<std::string_view(size_t)>& spelling) const;

  const NgramModelInfo& info() const;
  /// Hex XXH3-64 over all sections: the model's identity in transcripts.
  const std::string& content_hash() const;

 private:
  struct Storage;
  NgramModel();
  Status CheckContents() const;
  std::unique_ptr<Storage> storage_;
};

}  // namespace skald
