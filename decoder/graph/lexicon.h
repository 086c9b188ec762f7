#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace skald {

/// How the words of a language model are spelled in units (score columns). A word may have several spellings,
/// and several words may share one. Immutable once made; safe to read from any thread.
class Lexicon {
 public:
  struct Entry {
    uint32_t word;  ///< index into words()
    std::vector<uint16_t> units;

    auto operator<=>(const Entry&) const = default;
  };

  /// (a) Characters: every word letter by letter (UTF-8 code points), with `separator` between words, never
  /// before the first or after the last. Words with a letter that is no unit are left out and counted. Fails
  /// with kInvalidArgument where the separator is no unit or no word can be spelled.
  static StatusOr<Lexicon> FromCharacters(std::vector<std::string> units, std::span<const std::string> words,
                                          std::string_view separator = "|");

  /// (b) Sub-words: every word as the `segmentations` best segmentations of a sentencepiece model, whose
  /// pieces mark a word's start ("▁THE"). More segmentations let the search follow an acoustic model that
  /// splits words otherwise, and make the graph larger. Words with a piece that is no unit are left out and
  /// counted. Deterministic.
  static StatusOr<Lexicon> FromPieces(std::vector<std::string> units, std::span<const std::string> words,
                                      const std::string& sentencepiece_model_path, int segmentations = 1);

  /// (c) Pronunciations from a file, plain or gzip, of lines "WORD<TAB>UNIT UNIT ...[<TAB>anything]"; several
  /// lines a word make alternatives. Fails with kCorrupt and the line: no tab, empty word or pronunciation, a
  /// unit that is not among `units`, a blank unit, more than kMaxSpelling units.
  static StatusOr<Lexicon> FromPronunciations(std::vector<std::string> units, const std::string& path);
  /// The same, the units being those that the file names, sorted, behind a blank "<blk>".
  static StatusOr<Lexicon> FromPronunciations(const std::string& path);

  /// Adds a spelling, and the word where it is new. Fails with kInvalidArgument where a unit is the blank or
  /// out of range, or the spelling is empty or too long.
  Status Add(const std::string& word, std::vector<uint16_t> units);
  /// Whether any spelling of the word is known; looks at all words.
  bool Has(std::string_view word) const;

  static constexpr size_t kMaxSpelling = 1000;  ///< units of one word

  const std::vector<std::string>& units() const { return units_; }  ///< blank first
  const std::vector<std::string>& words() const { return words_; }
  /// Sorted by (word, spelling), no two equal.
  const std::vector<Entry>& entries() const { return entries_; }
  /// Unit that stands between words, if any.
  std::optional<uint16_t> separator() const { return separator_; }
  /// Words that were asked for and have no spelling.
  uint64_t left_out() const { return left_out_; }

 private:
  static StatusOr<Lexicon> ParsePronunciations(std::vector<std::string> units, std::string_view text,
                                               const std::string& path);
  Status Finish();

  std::vector<std::string> units_, words_;
  std::vector<Entry> entries_;
  std::optional<uint16_t> separator_;
  uint64_t left_out_ = 0;
};

}  // namespace skald
