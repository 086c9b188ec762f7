#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "decoder/graph/lexicon.h"
#include "decoder/kws/phone_confusions.h"

namespace skald {

/// Words that sound like something else.
struct ProxyPhrase {
  std::vector<std::string> words;
  double cost = 0;  ///< of hearing them for it [nats]
};

struct ProxyOptions {
  /// Proxies that cost more are left out. Larger: more of them, more time.
  double max_cost = 6;
  size_t max_proxies = 100;
  size_t max_words = 3;
  /// Of every word after the first [nats].
  double word_cost = 0.7;
  /// Steps of the search at most, whatever the costs: bounds time. Some 10 ms for 100,000.
  size_t max_steps = 400'000;
};

/// Finds what the recognizer may have written in place of a word that it does not know: words of a
/// vocabulary, one after the other, whose phones are near those of the word ("proxy keywords", Chen et al.,
/// "Using proxies for OOV keywords in the keyword search task", 2013). Best first over (phones explained,
/// place in a tree of pronunciations), so proxies come by rising cost. Deterministic; const use from any
/// thread.
class ProxyFinder {
 public:
  /// `vocabulary` in upper case, no word twice; words that the lexicon lacks, in whatever case, are left out.
  ProxyFinder(const Lexicon& lexicon, const std::vector<std::string>& vocabulary);

  /// By rising cost; no word sequence twice. `phones` are units of the lexicon; `excluded` is never a proxy
  /// by itself.
  std::vector<ProxyPhrase> Find(std::span<const uint16_t> phones, const ProxyOptions& options,
                                const std::string& excluded = "") const;

 private:
  struct Node {
    uint16_t phone = 0;
    uint32_t parent = 0;
    std::vector<uint32_t> children;
    std::vector<uint32_t> words;  // that end here
  };
  std::vector<std::string> vocabulary_;
  std::vector<Node> nodes_;
  PhoneConfusions confusions_;
};

}  // namespace skald
