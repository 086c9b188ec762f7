#pragma once

#include <memory>
#include <string>
#include <vector>

#include "decoder/kws/pronunciation_lexicon.h"

namespace skald {

/// A guessed pronunciation.
struct GuessedPronunciation {
  Phones phones;
  double cost = 0;  ///< -log probability, by rising cost
};

/// Guesses how words are pronounced that no lexicon holds. Learns from a lexicon: words are aligned letter by
/// letter (each letter sounds as none, one or two phones; expectation maximisation as by Jiampojamarn et al.,
/// "Applying many-to-many alignments ...", 2007), then what a letter sounds like is looked up by the letters
/// around it, the widest window that is known weighing most. Deterministic. Thread safe once made.
class LetterToSound {
 public:
  /// Uses 25,000 words spread over the lexicon, which takes one or two seconds.
  explicit LetterToSound(const PronunciationLexicon& lexicon);
  LetterToSound(LetterToSound&&) noexcept;
  LetterToSound& operator=(LetterToSound&&) noexcept;
  ~LetterToSound();

  /// The `count` likeliest pronunciations; letters never seen are silent, so there may be none.
  std::vector<GuessedPronunciation> Guess(const std::string& word, size_t count) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace skald
