#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "decoder/graph/lexicon.h"

namespace skald {

/// How a word that no lexicon lists is likely pronounced, learnt from a lexicon that has pronunciations.
/// Every letter stands for none, one or two units: which ones is found by expectation maximisation over all
/// alignments (as in Black, Lenzo and Pagel, "Issues in building general letter to sound rules", 1998), and
/// predicted from the letters around it, longer contexts counting more (Witten and Bell's interpolation).
/// Deterministic. Immutable once made; safe to read from any thread. About three seconds and 20 MB for
/// 200,000 words.
class Pronouncer {
 public:
  struct Guess {
    std::vector<uint16_t> units;
    double cost;  ///< -log probability [nats]
  };
  /// What becomes of letters that the lexicon never spelled.
  enum class UnknownLetters { kFail, kSilent };

  /// Fails with kInvalidArgument where the lexicon has no word that can be aligned, or more than 255
  /// different letters or units.
  static StatusOr<Pronouncer> Train(const Lexicon& lexicon);

  /// The `count` likeliest spellings in units, by rising cost, none of them empty or twice; fewer where there
  /// are not as many. Fails with kInvalidArgument for a word that is empty or has a letter that the lexicon
  /// never spelled; where such letters are silent, only if it has no other.
  StatusOr<std::vector<Guess>> Pronounce(std::string_view word, int count,
                                         UnknownLetters unknown_letters = UnknownLetters::kFail) const;

  /// Letters to each side that a prediction looks at.
  static constexpr int kContext = 3;

 private:
  /// Zero to two units: first << 8 | second, 0 where there is none.
  using Chunk = uint16_t;
  /// A letter with kContext letters to each side, in seven bytes, the left ones in the low bytes.
  using Context = uint64_t;

  struct Example {
    Context context;
    Chunk chunk;
  };

  std::vector<Context> Contexts(const std::vector<uint8_t>& letters) const;
  std::map<Chunk, double> Predict(Context context) const;

  std::map<char32_t, uint8_t> letters_;             ///< from 1; 0 is the end of the word
  std::array<std::vector<Example>, 256> examples_;  ///< by letter
};

}  // namespace skald
