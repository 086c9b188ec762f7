#include "decoder/graph/random_model.h"

#include <cstdio>
#include <set>

namespace skald::test {

std::vector<std::string> RandomWords(std::mt19937_64& random, size_t count) {
  std::set<std::string> words = {"A", "AN", "ANT", "ANTS"};
  while (words.size() < count) {
    std::string word;
    const size_t length = 1 + random() % 5;
    while (word.size() < length) word += "ANTSE'"[random() % 6];
    words.insert(word);
  }
  return {words.begin(), words.end()};
}

std::string RandomArpa(std::mt19937_64& random, const std::vector<std::string>& words, int order) {
  using Ngram = std::vector<std::string>;
  std::vector<std::set<Ngram>> ngrams(order);
  for (const std::string& word : words) ngrams[0].insert({word});
  for (const char* mark : {"<s>", "</s>", "<unk>"}) ngrams[0].insert({mark});
  for (size_t sentence = 0; sentence < 3 * words.size(); ++sentence) {
    Ngram text = {"<s>"};
    const size_t length = 1 + random() % 6;
    // Squaring makes some words frequent, so that longer n-grams overlap.
    while (text.size() <= length) {
      const double position = static_cast<double>(random() % 1000) / 1000;
      text.push_back(words[static_cast<size_t>(position * position * static_cast<double>(words.size()))]);
    }
    text.push_back("</s>");
    for (int n = 2; n <= order; ++n) {
      for (size_t at = 0; at + n <= text.size(); ++at) {
        const Ngram ngram(text.begin() + at, text.begin() + at + n);
        const Ngram context(ngram.begin(), ngram.end() - 1);
        if (random() % 3 != 0 && ngrams[n - 2].contains(context)) ngrams[n - 1].insert(ngram);
      }
    }
  }
  const auto decimal = [&](int least) {
    char text[16];
    std::snprintf(text, sizeof text, "-%d.%03d", static_cast<int>(random() % least),
                  static_cast<int>(random() % 1000));
    return std::string(text);
  };
  std::string arpa = "\\data\\\n";
  for (int n = 1; n <= order; ++n) {
    arpa += "ngram " + std::to_string(n) + "=" + std::to_string(ngrams[n - 1].size()) + "\n";
  }
  for (int n = 1; n <= order; ++n) {
    arpa += "\n\\" + std::to_string(n) + "-grams:\n";
    for (const Ngram& ngram : ngrams[n - 1]) {
      arpa += n == 1 && ngram[0] == "<s>" ? "-99" : decimal(4);
      arpa += '\t';
      for (const std::string& word : ngram) arpa += word + (&word == &ngram.back() ? "" : " ");
      if (n < order && ngram.back() != "</s>" && random() % 4 != 0) arpa += "\t" + decimal(2);
      arpa += '\n';
    }
  }
  return arpa + "\n\\end\\\n";
}

}  // namespace skald::test
