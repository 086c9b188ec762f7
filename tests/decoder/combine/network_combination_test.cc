#include "decoder/combine/network_combination.h"

#include <gtest/gtest.h>

#include "decoder/combine/lattice_union.h"
#include "support/test_environment.h"
#include "support/tolerances.h"
#include "word_lists.h"

namespace skald::test {
namespace {

using Networks = std::vector<std::vector<TimedBin>>;

std::string Combined(const Networks& networks, const std::vector<double>& weights,
                     const NetworkCombinationOptions& options = {}) {
  return LettersOf(LikeliestWords(CombineNetworks(networks, weights, options), options));
}

TEST(NetworkCombination, MeansOfPosteriorsByHand) {
  // a (0.6) or b (0.4) at the first place in one system, b for certain in the other: b has 0.7.
  const Networks networks = {{{{1, 0, 0.3, 0.6}, {2, 0.1, 0.3, 0.4}}}, {{{2, 0.2, 0.5, 1.0}}}};
  const auto bins = CombineNetworks(networks, std::vector<double>{1, 1});
  ASSERT_EQ(bins.size(), 1u);
  const auto words = LikeliestWords(bins);
  ASSERT_EQ(words.size(), 1u);
  EXPECT_EQ(words[0].word, 2u);
  EXPECT_NEAR(words[0].confidence, 0.7, 1e-12);
  EXPECT_EQ(words[0].start_s, 0.2) << "of the likelier occurrence";
  EXPECT_EQ(Combined(networks, {4, 1}), "b") << "0.52";
  EXPECT_EQ(Combined(networks, {6, 1}), "a");
}

TEST(NetworkCombination, BinsThatDoNotMeetInTimeStayApart) {
  const Networks networks = {{{{1, 0.0, 0.3, 1.0}}}, {{{2, 1.0, 1.3, 1.0}}}};
  auto bins = CombineNetworks(networks, std::vector<double>{1, 1});
  ASSERT_EQ(bins.size(), 2u);
  EXPECT_EQ(bins[0][0].word, 1u) << "in order of time";
  EXPECT_EQ(Combined(networks, {1, 1}), "") << "at equal posteriors none";
  NetworkCombinationOptions options;
  options.null_scale = 0.9;
  EXPECT_EQ(Combined(networks, {1, 1}, options), "ab");
  options.time_slack_s = 0.8;
  bins = CombineNetworks(networks, std::vector<double>{1, 1}, options);
  EXPECT_EQ(bins.size(), 1u);
}

TEST(NetworkCombination, MajorityOfCertainWords) {
  const Networks networks = {BinsOfWords(WordsOf("axd")), BinsOfWords(WordsOf("abe")),
                             BinsOfWords(WordsOf("cbd"))};
  EXPECT_EQ(Combined(networks, {1, 1, 1}), "abd");
}

TEST(NetworkCombination, PropertiesOfRandomSystems) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 200; ++round) {
    const auto truth = WordsOf("thequickbrownfoxjumps");
    const auto a = WithErrors(truth, 0.3, random), b = WithErrors(truth, 0.3, random);
    const Networks networks = {BinsOfWords(a), BinsOfWords(b), BinsOfWords(WithErrors(truth, 0.3, random))};
    const auto bins = CombineNetworks(networks, std::vector<double>{1, 2, 0.5});
    for (const TimedBin& bin : bins) {
      double sum = 0;
      for (const SystemWord& entry : bin) sum += entry.confidence;
      ASSERT_NEAR(sum, 1.0, kPosteriorSumAbs) << "round " << round;
    }
    ASSERT_EQ(Combined(networks, {1, 0, 0}), LettersOf(LikeliestWords(networks[0])));
    const auto twice = CombineNetworks(Networks{networks[0], networks[0]}, std::vector<double>{1, 1});
    ASSERT_EQ(twice.size(), networks[0].size()) << "a network meets itself bin by bin";
    ASSERT_EQ(LettersOf(LikeliestWords(twice)), LettersOf(LikeliestWords(networks[0])));
    const auto words = LikeliestWords(bins);
    for (size_t i = 1; i < words.size(); ++i) ASSERT_GE(words[i].start_s, words[i - 1].start_s);
  }
}

TEST(NetworkCombination, BinsOfALatticeOnTheCommonClock) {
  const WordLattice lattice = LatticeOfWords(WordsOf("abc"));
  const auto bins = TimedBins(BuildConfusionNetwork(lattice));
  ASSERT_EQ(bins.size(), 3u);
  EXPECT_EQ(LettersOf(LikeliestWords(bins)), "abc");
  EXPECT_NEAR(bins[1][0].start_s, 0.3, 1e-9);
}

}  // namespace
}  // namespace skald::test
