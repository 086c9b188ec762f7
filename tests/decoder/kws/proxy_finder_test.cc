#include "decoder/kws/proxy_finder.h"

#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <random>

#include "base/file.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald::test {
namespace {

using Phones = std::vector<uint16_t>;

Lexicon MakeLexicon(const std::vector<std::pair<std::string, std::vector<std::string>>>& words) {
  TemporaryFolder folder;
  std::string text;
  for (const auto& [word, pronunciations] : words) {
    for (const std::string& phones : pronunciations) text += word + "\t" + phones + "\tflag\n";
  }
  EXPECT_TRUE(WriteFileAtomically(folder / "lexicon", text).ok());
  return Lexicon::FromPronunciations(folder / "lexicon").value();
}

Phones Parse(const Lexicon& lexicon, const std::vector<std::string>& names) {
  Phones phones;
  for (const std::string& name : names) {
    phones.push_back(static_cast<uint16_t>(
        std::find(lexicon.units().begin(), lexicon.units().end(), name) - lexicon.units().begin()));
  }
  return phones;
}

TEST(ProxyFinder, FindsWordsAndSequencesByRisingCost) {
  const Lexicon lexicon = MakeLexicon({{"main", {"M EY N"}},
                                                {"HALL", {"HH AO L"}},
                                                {"MANE", {"M EY N"}},
                                                {"TALL", {"T AO L"}},
                                                {"ZOO", {"Z UW"}}});
  const ProxyFinder finder(lexicon, {"HALL", "MAIN", "MANE", "TALL", "UNKNOWN", "ZOO"});
  const auto proxies = finder.Find(Parse(lexicon, {"M", "EY", "N", "HH", "AO", "L"}), {});
  ASSERT_GE(proxies.size(), 3u);
  EXPECT_EQ(proxies[0].words, (std::vector<std::string>{"MAIN", "HALL"}));
  EXPECT_NEAR(proxies[0].cost, ProxyOptions().word_cost, kPosteriorSumAbs);
  EXPECT_EQ(proxies[1].words, (std::vector<std::string>{"MANE", "HALL"}));
  for (size_t i = 1; i < proxies.size(); ++i) EXPECT_GE(proxies[i].cost, proxies[i - 1].cost);
  for (const ProxyPhrase& proxy : proxies) {
    for (const std::string& word : proxy.words) EXPECT_NE(word, "ZOO");
  }
  const auto others = finder.Find(Parse(lexicon, {"M", "EY", "N"}), {}, "MAIN");
  ASSERT_FALSE(others.empty());
  EXPECT_EQ(others[0].words, std::vector<std::string>{"MANE"});
}

/// Cheapest way to hear `heard` for `said`, by the textbook.
double EditCost(const PhoneConfusions& confusions, const Phones& said, const Phones& heard) {
  std::vector<std::vector<double>> cost(said.size() + 1, std::vector<double>(heard.size() + 1, 1e9));
  cost[0][0] = 0;
  for (size_t i = 0; i <= said.size(); ++i) {
    for (size_t j = 0; j <= heard.size(); ++j) {
      if (i > 0) cost[i][j] = std::min(cost[i][j], cost[i - 1][j] + confusions.Deletion(said[i - 1]));
      if (j > 0) cost[i][j] = std::min(cost[i][j], cost[i][j - 1] + confusions.Insertion(heard[j - 1]));
      if (i > 0 && j > 0) {
        cost[i][j] =
            std::min(cost[i][j], cost[i - 1][j - 1] + confusions.Substitution(said[i - 1], heard[j - 1]));
      }
    }
  }
  return cost[said.size()][heard.size()];
}

TEST(ProxyFinder, FindsExactlyWhatCostsAllow) {
  std::mt19937_64 random(PropertySeed());
  const std::vector<std::string> names = {"AA", "IY", "K", "S", "T", "Z"};
  const auto sounds = [&](size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += (i == 0 ? "" : " ") + names[random() % names.size()];
    return text;
  };
  for (int round = 0; round < 20; ++round) {
    std::vector<std::pair<std::string, std::vector<std::string>>> words = {{"ALL", {"AA IY K S T Z"}}};
    std::vector<std::string> vocabulary;
    for (int w = 0; w < 6; ++w) {
      vocabulary.push_back("W" + std::to_string(w));
      words.push_back({vocabulary.back(), {sounds(1 + random() % 4)}});
    }
    const Lexicon lexicon = MakeLexicon(words);
    const PhoneConfusions confusions(lexicon.units());
    const ProxyFinder finder(lexicon, vocabulary);
    ProxyOptions options;
    options.max_cost = 4;
    options.max_words = 2;
    options.max_proxies = 1'000'000;
    options.max_steps = 100'000'000;
    Phones said;
    for (size_t n = 1 + random() % 5; n > 0; --n)
      said.push_back(static_cast<uint16_t>(1 + random() % (lexicon.units().size() - 1)));
    std::map<std::string, Phones> spelling;
    for (const Lexicon::Entry& entry : lexicon.entries()) spelling[lexicon.words()[entry.word]] = entry.units;
    std::map<std::vector<std::string>, double> expected;
    for (const std::string& a : vocabulary) {
      const Phones& first = spelling.at(a);
      expected[{a}] = EditCost(confusions, said, first);
      for (const std::string& b : vocabulary) {
        Phones both = first;
        const Phones& second = spelling.at(b);
        both.insert(both.end(), second.begin(), second.end());
        expected[{a, b}] = EditCost(confusions, said, both) + options.word_cost;
      }
    }
    std::map<std::vector<std::string>, double> found;
    for (const ProxyPhrase& proxy : finder.Find(said, options)) found[proxy.words] = proxy.cost;
    for (const auto& [sequence, cost] : expected) {
      if (sequence.size() == 1 && cost <= options.max_cost - kPosteriorSumAbs) {
        ASSERT_EQ(found.count(sequence), 1u) << sequence[0];
        EXPECT_NEAR(found[sequence], cost, kPosteriorSumAbs);
      }
    }
    for (const auto& [sequence, cost] : found) EXPECT_GE(cost, expected[sequence] - kPosteriorSumAbs);
  }
}

}  // namespace
}  // namespace skald::test
