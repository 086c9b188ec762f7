#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace skald {

/// A base-10 log probability as a whole multiple of 1e-6. ARPA files have few decimals, so sums and
/// differences of these are exact, and equal costs stay equal whatever path they came by.
using LogProb = int64_t;
inline constexpr double kNatsPerLogProb = 2.302585092994045684 * 1e-6;

/// A back-off n-gram model as its ARPA file lists it.
class ArpaModel {
 public:
  static constexpr LogProb kImpossible = INT64_MIN;  ///< listed with probability 0 ("-inf"), so never taken
  static constexpr uint32_t kNoWord = UINT32_MAX;
  static constexpr int kMaxOrder = 5;

  /// Reads an ARPA file, plain or gzip. Fails with kNotFound, kIo, or kCorrupt naming the line: a section
  /// missing, out of order or of another length than announced, a number that is not one, a probability above
  /// 1, a word that is no unigram, an n-gram listed twice or without its context (all words but the last), no
  /// end mark; kUnsupported above order 5. A missing back-off weight is 0 (log of 1).
  static StatusOr<ArpaModel> Read(const std::string& path);
  /// The same from memory; messages name no file.
  static StatusOr<ArpaModel> Parse(std::string_view text);

  /// Adds a word that nothing follows more often than any other: a unigram without back-off weight,
  /// `log_prob` at most 0. The probabilities of all words then sum to more than 1 by that much. Does nothing
  /// where the word is listed.
  void AddWord(const std::string& word, LogProb log_prob);
  /// Index of the word with this spelling, or kNoWord; looks at all words.
  uint32_t FindWord(std::string_view word) const;
  /// Probability of the rarest word that is possible at all, sentence marks and <unk> apart; 0 without words.
  LogProb RarestWord() const;

  int order() const { return static_cast<int>(orders_.size()); }
  /// Number of n-grams of `n` words, n in 1..order().
  size_t count(int n) const { return orders_[n - 1].log_probs.size(); }
  /// Words of n-gram `index` of order `n`.
  std::span<const uint32_t> ngram(int n, size_t index) const {
    return std::span(orders_[n - 1].words).subspan(index * n, n);
  }
  LogProb log_prob(int n, size_t index) const { return orders_[n - 1].log_probs[index]; }
  LogProb backoff(int n, size_t index) const { return orders_[n - 1].backoffs[index]; }
  /// Index of an n-gram among those of its order. `words` has 1..order() words.
  std::optional<uint32_t> Find(std::span<const uint32_t> words) const;

  /// Spellings; word i is unigram i. The sentence marks and <unk> are among them.
  const std::vector<std::string>& words() const { return words_; }
  uint32_t sentence_start() const { return sentence_start_; }  ///< <s>, or kNoWord
  uint32_t sentence_end() const { return sentence_end_; }      ///< </s>, or kNoWord
  uint32_t unknown() const { return unknown_; }                ///< <unk> or <UNK>, or kNoWord

 private:
  friend class ArpaParser;
  struct Order {
    std::vector<uint32_t> words;
    std::vector<LogProb> log_probs, backoffs;
    std::vector<uint32_t> slots;  ///< open addressing: index + 1, or 0
  };
  /// Slot that holds `words` or is free for them.
  static size_t FindSlot(const Order& order, std::span<const uint32_t> words);

  std::vector<std::string> words_;
  std::vector<Order> orders_;
  uint32_t sentence_start_ = kNoWord, sentence_end_ = kNoWord, unknown_ = kNoWord;
};

}  // namespace skald
