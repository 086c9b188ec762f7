#include "decoder/combine/lattice_union.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <random>

#include "decoder/lattice/nbest.h"
#include "support/test_environment.h"
#include "support/tolerances.h"
#include "word_lists.h"

namespace skald::test {
namespace {

/// A random acyclic lattice of words 1 to 4 in which all nodes lie on complete paths.
WordLattice RandomLattice(std::mt19937_64& random) {
  std::uniform_real_distribution<double> cost(0, 3);
  WordLattice lattice;
  const auto last = static_cast<uint32_t>(2 + random() % 4);
  lattice.nodes.resize(last + 1);
  for (uint32_t n = 0; n <= last; ++n) lattice.nodes[n].frame = static_cast<int32_t>(10 * n);
  for (uint32_t n = 0; n < last; ++n) {
    lattice.first_arc.push_back(static_cast<uint32_t>(lattice.arcs.size()));
    for (uint32_t word = 1; word <= 4; ++word) {
      if (word > 1 && random() % 2 == 0) continue;
      WordLatticeArc arc;
      arc.source = n;
      arc.destination = word == 1 ? n + 1 : n + 1 + static_cast<uint32_t>(random() % (last - n));
      arc.word = word;
      arc.start_frame = lattice.nodes[n].frame;
      arc.end_frame = lattice.nodes[arc.destination].frame;
      arc.graph_cost = cost(random);
      arc.acoustic_cost = cost(random);
      lattice.arcs.push_back(arc);
    }
    if (random() % 4 == 0) lattice.nodes[n].final_graph_cost = cost(random);
  }
  lattice.first_arc.insert(lattice.first_arc.end(), 2, static_cast<uint32_t>(lattice.arcs.size()));
  lattice.nodes[last].final_graph_cost = cost(random);
  lattice.frames = lattice.nodes[last].frame;
  return lattice;
}

/// Sum of exp(-scale * cost) over the paths of each word string.
std::map<std::vector<uint32_t>, double> StringShares(const WordLattice& lattice, double scale = 1) {
  std::map<std::vector<uint32_t>, double> shares;
  std::vector<uint32_t> words;
  const std::function<void(uint32_t, double)> walk = [&](uint32_t node, double cost) {
    if (lattice.nodes[node].is_final()) {
      shares[words] += std::exp(-scale * (cost + lattice.nodes[node].final_cost()));
    }
    for (const WordLatticeArc& arc : lattice.arcs_of(node)) {
      words.push_back(arc.word);
      walk(arc.destination, cost + arc.cost());
      words.pop_back();
    }
  };
  walk(0, 0);
  return shares;
}

std::map<std::vector<uint32_t>, double> Posteriors(const WordLattice& lattice, double scale) {
  auto shares = StringShares(lattice, scale);
  double sum = 0;
  for (const auto& [words, share] : shares) sum += share;
  for (auto& [words, share] : shares) share /= sum;
  return shares;
}

void ExpectOrdered(const WordLattice& lattice) {
  ASSERT_EQ(lattice.first_arc.size(), lattice.nodes.size() + 1);
  for (uint32_t n = 0; n < lattice.nodes.size(); ++n) {
    for (const WordLatticeArc& arc : lattice.arcs_of(n)) {
      ASSERT_EQ(arc.source, n);
      ASSERT_GT(arc.destination, n);
    }
  }
}

TEST(LatticeUnion, StringsWeighWhatTheirSystemsSay) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 200; ++round) {
    const WordLattice a = RandomLattice(random), b = RandomLattice(random);
    const std::vector<WeightedLattice> systems = {{&a, 3, 0.7}, {&b, 1, 1.2}, {&a, 0, 1.0}};
    const WordLattice all = UnionOfLattices(systems);
    ExpectOrdered(all);
    if (HasFatalFailure()) FAIL() << "round " << round;
    const auto of_a = Posteriors(a, 0.7), of_b = Posteriors(b, 1.2);
    double sum = 0;
    for (const auto& [words, share] : StringShares(all)) {
      const auto in_a = of_a.find(words), in_b = of_b.find(words);
      const double expected =
          0.75 * (in_a == of_a.end() ? 0 : in_a->second) + 0.25 * (in_b == of_b.end() ? 0 : in_b->second);
      ASSERT_NEAR(share, expected, kPosteriorSumAbs) << "round " << round;
      sum += share;
    }
    ASSERT_NEAR(sum, 1.0, kPosteriorSumAbs);
  }
}

TEST(LatticeUnion, WithItselfOrWithWeightZeroChangesNothing) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 200; ++round) {
    const WordLattice a = RandomLattice(random), b = RandomLattice(random);
    const std::vector<SystemWord> alone = CombineByMbr(std::vector<WeightedLattice>{{&a, 1, 0.8}});
    MbrOptions options;
    options.scale = 0.8;
    const ConfusionNetwork network = BuildConfusionNetwork(a, options);
    ASSERT_EQ(alone.size(), network.words.size());
    for (size_t i = 0; i < alone.size(); ++i) {
      ASSERT_EQ(alone[i].word, network.words[i].word);
      ASSERT_NEAR(alone[i].confidence, network.words[i].confidence, kPosteriorSumAbs);
    }
    const auto twice = CombineByMbr(std::vector<WeightedLattice>{{&a, 1, 0.8}, {&a, 2, 0.8}});
    ASSERT_EQ(LettersOf(twice), LettersOf(alone)) << "round " << round;
    for (size_t i = 0; i < alone.size(); ++i) {
      ASSERT_NEAR(twice[i].confidence, alone[i].confidence, kPosteriorSumAbs);
    }
    ASSERT_EQ(CombineByMbr(std::vector<WeightedLattice>{{&a, 1, 0.8}, {&b, 0, 0.8}}), alone);
    ASSERT_EQ(CombineByMbr(std::vector<WeightedLattice>{{&b, 0, 0.8}, {&a, 5, 0.8}}), alone);
  }
}

// Of words with equal expected errors those of the earlier system are taken, so a few ties may be decided otherwise.
TEST(LatticeUnion, OrderOfSystemsChangesNothingButTies) {
  std::mt19937_64 random(PropertySeed());
  int ties = 0;
  for (int round = 0; round < 100; ++round) {
    const WordLattice a = RandomLattice(random), b = RandomLattice(random);
    const std::vector<WeightedLattice> ab = {{&a, 2}, {&b, 1}}, ba = {{&b, 1}, {&a, 2}};
    ASSERT_NEAR(NetworkOfUnion(ab).expected_errors, NetworkOfUnion(ba).expected_errors, kPosteriorSumAbs)
        << "round " << round;
    if (LettersOf(CombineByMbr(ab)) != LettersOf(CombineByMbr(ba))) ++ties;
  }
  EXPECT_LE(ties, 5);
}

TEST(LatticeUnion, TheMajorityOfWordsWinsThoughNoSystemHasAllOfThem) {
  // Sentences abd, axd, abe: each word of "abd" has two of three.
  const std::vector<WordLattice> lattices = {LatticeOfWords(WordsOf("axd")), LatticeOfWords(WordsOf("abe")),
                                             LatticeOfWords(WordsOf("cbd"))};
  std::vector<WeightedLattice> systems;
  for (const WordLattice& lattice : lattices) systems.push_back({&lattice});
  const auto words = CombineByMbr(systems);
  EXPECT_EQ(LettersOf(words), "abd");
  ASSERT_EQ(words.size(), 3u);
  for (const SystemWord& word : words) EXPECT_NEAR(word.confidence, 2.0 / 3, 1e-6);
  EXPECT_NEAR(words[1].start_s, 0.3, 1e-9);
  EXPECT_NEAR(words[1].end_s, 0.6, 1e-9);
}

TEST(LatticeUnion, SilenceVotes) {
  const WordLattice none = LatticeOfWords({}), word = LatticeOfWords(WordsOf("a"));
  EXPECT_EQ(LettersOf(CombineByMbr(std::vector<WeightedLattice>{{&none, 1}, {&word, 2}})), "a");
  EXPECT_EQ(LettersOf(CombineByMbr(std::vector<WeightedLattice>{{&none, 2}, {&word, 1}})), "");
  const WordLattice empty;
  EXPECT_EQ(LettersOf(CombineByMbr(std::vector<WeightedLattice>{{&empty, 9}, {&word, 1}})), "a")
      << "a lattice without paths says nothing, not silence";
  EXPECT_TRUE(CombineByMbr(std::vector<WeightedLattice>{{&empty, 1}}).empty());
}

TEST(LatticeUnion, LatticesOneAfterTheOtherHaveAllPairsOfPaths) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 100; ++round) {
    const std::vector<WordLattice> parts = {RandomLattice(random), WordLattice{}, RandomLattice(random)};
    const WordLattice joined = ConcatenateLattices(parts);
    ExpectOrdered(joined);
    if (HasFatalFailure()) FAIL() << "round " << round;
    std::map<std::vector<uint32_t>, double> expected;
    for (const auto& [first, first_share] : StringShares(parts[0])) {
      for (const auto& [second, second_share] : StringShares(parts[2])) {
        std::vector<uint32_t> words = first;
        words.insert(words.end(), second.begin(), second.end());
        expected[words] += first_share * second_share;
      }
    }
    const auto shares = StringShares(joined);
    ASSERT_EQ(shares.size(), expected.size());
    for (const auto& [words, share] : shares) ASSERT_NEAR(share, expected[words], kPosteriorSumAbs);
  }
}

TEST(LatticeUnion, CommonClockMovesTimesAndRenumbersWords) {
  std::mt19937_64 random(PropertySeed());
  const WordLattice lattice = RandomLattice(random);
  const std::vector<uint32_t> numbers = {0, 9, 8, 7, 6};
  const auto common = OnCommonClock(lattice, 2.5, 0.04, numbers);
  ASSERT_TRUE(common.ok());
  ExpectOrdered(*common);
  EXPECT_EQ(common->nodes[1].frame, 2900);
  EXPECT_EQ(common->frames, 2500 + 40 * lattice.frames);
  auto renumbered = StringShares(*common);
  for (auto& [words, share] : StringShares(lattice)) {
    std::vector<uint32_t> expected;
    for (const uint32_t word : words) expected.push_back(10 - word);
    EXPECT_NEAR(renumbered[expected], share, kPosteriorSumAbs);
  }
  EXPECT_EQ(OnCommonClock(lattice, 0, 0.02, std::vector<uint32_t>{0}).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace skald::test
