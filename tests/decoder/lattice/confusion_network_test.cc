#include "decoder/lattice/confusion_network.h"

#include <cmath>
#include <gtest/gtest.h>

#include "decoder/lattice/nbest.h"
#include "lattice_builder.h"
#include "lattice_oracle.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald::test {
namespace {

int EditDistance(const WordString& a, const WordString& b) {
  std::vector<int> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = std::exchange(row[0], static_cast<int>(i));
    for (size_t j = 1; j <= b.size(); ++j) {
      const int best = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = std::exchange(row[j], best);
    }
  }
  return row[b.size()];
}

struct WeightedString {
  WordString words;
  double posterior;
};

std::vector<WeightedString> Strings(const WordLattice& lattice, double scale) {
  std::vector<WeightedString> strings;
  double sum = 0;
  const auto paths = EnumerateWordPaths(lattice);
  for (const EnumeratedPath& path : paths) sum += std::exp(-scale * path.cost);
  for (const EnumeratedPath& path : paths) {
    strings.push_back({path.words, std::exp(-scale * path.cost) / sum});
  }
  return strings;
}

double ExpectedErrors(const std::vector<WeightedString>& strings, const WordString& hypothesis) {
  double expected = 0;
  for (const WeightedString& s : strings) expected += s.posterior * EditDistance(s.words, hypothesis);
  return expected;
}

WordString WordsOf(const ConfusionNetwork& network) {
  WordString words;
  for (const ConfidentWord& word : network.words) words.push_back(word.word);
  return words;
}

WordLattice RandomWordLattice(std::mt19937_64& random) {
  RawLattice raw =
      RandomLattice(1 + static_cast<int>(random() % 6), 1 + static_cast<int>(random() % 3), random);
  raw.lattice_beam = std::uniform_real_distribution<float>(4, 20)(random);
  return DeterminizeWords(raw);
}

/// No two paths meet: the recursion is exact.
WordLattice RandomTree(std::mt19937_64& random) {
  WordLattice lattice;
  std::uniform_real_distribution<double> cost(0, 2);
  std::vector<int> depth = {0};
  lattice.nodes.resize(1);
  for (uint32_t n = 0; n < lattice.nodes.size(); ++n) {
    lattice.first_arc.push_back(static_cast<uint32_t>(lattice.arcs.size()));
    for (uint32_t word = 1; word <= 3; ++word) {
      if (depth[n] == 3 || random() % 2 == 0) continue;
      WordLatticeArc arc;
      arc.source = n;
      arc.destination = static_cast<uint32_t>(lattice.nodes.size());
      arc.word = word;
      arc.graph_cost = cost(random);
      lattice.arcs.push_back(arc);
      lattice.nodes.emplace_back();
      depth.push_back(depth[n] + 1);
    }
    const bool is_leaf = lattice.first_arc.back() == lattice.arcs.size();
    if (is_leaf || random() % 3 == 0) lattice.nodes[n].final_graph_cost = cost(random);
  }
  lattice.first_arc.push_back(static_cast<uint32_t>(lattice.arcs.size()));
  return lattice;
}

void ExpectSoundBins(const ConfusionNetwork& network) {
  for (const ConfusionBin& bin : network.bins) {
    double sum = 0;
    for (const ConfusionEntry& entry : bin) {
      ASSERT_GE(entry.posterior, 0.0);
      ASSERT_LE(entry.posterior, bin[0].posterior);
      sum += entry.posterior;
    }
    ASSERT_NEAR(sum, 1.0, kPosteriorSumAbs);
  }
  // What the hypothesis gets wrong at its places; words beside all places come on top.
  double wrong = 0;
  for (uint32_t b = 0; b < network.bins.size(); ++b) {
    uint32_t said = 0;
    for (const ConfidentWord& word : network.words) said = word.bin == b ? word.word : said;
    wrong += 1;
    for (const ConfusionEntry& entry : network.bins[b]) wrong -= entry.word == said ? entry.posterior : 0.0;
  }
  ASSERT_LE(wrong, network.expected_errors + kPosteriorSumAbs);
  int32_t start = 0;
  for (const ConfidentWord& word : network.words) {
    ASSERT_GE(word.confidence, 0.0);
    ASSERT_LE(word.confidence, 1.0);
    ASSERT_GE(word.start_frame, start);
    ASSERT_GE(word.end_frame, word.start_frame);
    start = word.start_frame;
  }
}

TEST(ConfusionNetwork, BinsSumToOneAndTheBestPathIsNeverBetter) {
  std::mt19937_64 random(PropertySeed());
  int changed = 0;
  for (int round = 0; round < 300; ++round) {
    const WordLattice lattice = RandomWordLattice(random);
    MbrOptions options;
    options.scale = std::uniform_real_distribution<double>(0.1, 1.0)(random);
    const ConfusionNetwork best = BuildConfusionNetwork(lattice, options);
    options.change_words = false;
    const ConfusionNetwork kept = BuildConfusionNetwork(lattice, options);
    ExpectSoundBins(best);
    ExpectSoundBins(kept);
    if (HasFatalFailure()) FAIL() << "round " << round;
    ASSERT_LE(best.expected_errors, kept.expected_errors);
    changed += best.iterations > 0;
    // The recursion bounds the true expectation from above.
    const auto strings = Strings(lattice, options.scale);
    ASSERT_GE(best.expected_errors, ExpectedErrors(strings, WordsOf(best)) - kPosteriorSumAbs);
    ASSERT_GE(kept.expected_errors, ExpectedErrors(strings, WordsOf(kept)) - kPosteriorSumAbs);
  }
  EXPECT_GT(changed, 1);
}

TEST(ConfusionNetwork, EqualsBruteForceOnTrees) {
  std::mt19937_64 random(PropertySeed());
  // Every string that could be the best one.
  std::vector<WordString> all = {{}};
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].size() == 3) continue;
    for (uint32_t word = 1; word <= 3; ++word) {
      all.push_back(all[i]);
      all.back().push_back(word);
    }
  }
  int optimal = 0;
  const int rounds = 200;
  for (int round = 0; round < rounds; ++round) {
    const WordLattice lattice = RandomTree(random);
    const auto strings = Strings(lattice, 1.0);
    const ConfusionNetwork network = BuildConfusionNetwork(lattice);
    const double expected = ExpectedErrors(strings, WordsOf(network));
    // Words put beside all places cost 1e-5 more; a path has at most three.
    ASSERT_NEAR(network.expected_errors, expected, 3e-5 + kPosteriorSumAbs) << "round " << round;
    double least = INFINITY;
    for (const WordString& words : all) least = std::min(least, ExpectedErrors(strings, words));
    ASSERT_GE(expected, least - kPosteriorSumAbs);
    optimal += expected < least + 3e-5;
    const std::vector<WordPath> best = NBest(lattice, 1);
    WordString best_path;
    for (const uint32_t a : best[0].arcs) best_path.push_back(lattice.arcs[a].word);
    ASSERT_LE(expected, ExpectedErrors(strings, best_path) + 3e-5) << "round " << round;
  }
  EXPECT_GT(optimal, rounds * 8 / 10) << "the recursion finds a local optimum, nearly always the global one";
}

TEST(ConfusionNetwork, ConfidencesAreSharesOfAlternatives) {
  // 1 then 2 or 3 (3/4, 1/4) then 4 or 5.
  LatticeBuilder b;
  const uint32_t s0 = b.State(0), s1 = b.State(1, 1), s2 = b.State(2, 2), end = b.State(3, 3);
  b.Arc(s0, s1, 1, kArcWordStart);
  b.Arc(s1, s2, 2, kArcWordStart, -std::log(0.75f));
  b.Arc(s1, s2, 3, kArcWordStart, -std::log(0.25f));
  b.Arc(s2, end, 4, kArcWordStart, 0.0f);
  b.Arc(s2, end, 5, kArcWordStart, 0.125f);
  b.Final(end);
  RawLattice raw = b.Build();
  raw.lattice_beam = 8;
  const ConfusionNetwork network = BuildConfusionNetwork(DeterminizeWords(raw));
  ASSERT_EQ(network.words.size(), 3u);
  EXPECT_NEAR(network.words[0].confidence, 1.0, 1e-9);
  EXPECT_NEAR(network.words[1].confidence, 0.75, 1e-6);
  EXPECT_NEAR(network.words[2].confidence, 1 / (1 + std::exp(-0.125)), 1e-6);
  EXPECT_EQ(network.words[1].start_frame, 1);
  EXPECT_EQ(network.words[1].end_frame, 2);
  const ConfusionBin& bin = network.bins[network.words[1].bin];
  ASSERT_EQ(bin.size(), 2u);
  EXPECT_EQ(bin[1].word, 3u);
  EXPECT_EQ(bin[1].start_frame, 1);
}

TEST(ConfusionNetwork, OnePathIsCertainNoPathIsEmpty) {
  LatticeBuilder b;
  const uint32_t s0 = b.State(0), s1 = b.State(1, 1), s2 = b.State(2, 2);
  b.Arc(s0, s1, 7, kArcWordStart);
  b.Arc(s1, s2, 8, kArcWordStart);
  b.Final(s2);
  RawLattice raw = b.Build();
  raw.lattice_beam = 8;
  const ConfusionNetwork network = BuildConfusionNetwork(DeterminizeWords(raw));
  EXPECT_EQ(WordsOf(network), (WordString{7, 8}));
  for (const ConfidentWord& word : network.words) EXPECT_EQ(word.confidence, 1.0);
  EXPECT_EQ(network.bins.size(), 2u);
  EXPECT_EQ(network.expected_errors, 0.0);
  EXPECT_TRUE(BuildConfusionNetwork(WordLattice{}).bins.empty());
}

}  // namespace
}  // namespace skald::test
