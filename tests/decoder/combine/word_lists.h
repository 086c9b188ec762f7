#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "decoder/combine/system_word.h"

namespace skald::test {

/// Letters as words ('a' is word 1), each as long as `word_s`, one after the other; a blank is a pause.
inline std::vector<SystemWord> WordsOf(const std::string& letters, double confidence = 1,
                                       double word_s = 0.3) {
  std::vector<SystemWord> words;
  for (size_t i = 0; i < letters.size(); ++i) {
    if (letters[i] == ' ') continue;
    const double start_s = word_s * static_cast<double>(i);
    words.push_back({static_cast<uint32_t>(letters[i] - 'a' + 1), start_s, start_s + word_s, confidence});
  }
  return words;
}

inline std::string LettersOf(const std::vector<SystemWord>& words) {
  std::string letters;
  for (const SystemWord& word : words) letters += static_cast<char>('a' + word.word - 1);
  return letters;
}

/// `truth` with words replaced, left out and put in, each with probability `rate`; times in hundredths of a
/// second, starts never go back, random confidences in 64ths.
inline std::vector<SystemWord> WithErrors(const std::vector<SystemWord>& truth, double rate,
                                          std::mt19937_64& random) {
  std::uniform_real_distribution<double> unit(0, 1);
  std::vector<SystemWord> words;
  const auto put = [&](uint32_t word, double start_s, double end_s) {
    const double start = std::max(start_s, words.empty() ? 0.0 : words.back().start_s);
    words.push_back({word, start, std::max(start, end_s), static_cast<double>(1 + random() % 63) / 64});
  };
  const auto hundredths = [](double seconds) {
    return static_cast<double>(static_cast<int64_t>(seconds * 100 + 0.5)) / 100;
  };
  for (const SystemWord& word : truth) {
    if (unit(random) < rate) continue;
    const double moved_s = hundredths(word.start_s + unit(random) * 0.1);
    const double end_s = hundredths(word.end_s);
    put(unit(random) < rate ? 1 + static_cast<uint32_t>(random() % 26) : word.word, moved_s, end_s);
    if (unit(random) < rate) put(1 + static_cast<uint32_t>(random() % 26), end_s, end_s);
  }
  return words;
}

}  // namespace skald::test
