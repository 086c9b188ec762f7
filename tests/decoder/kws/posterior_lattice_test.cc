#include "decoder/kws/posterior_lattice.h"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <map>

#include "lattice_builder.h"
#include "lattice_oracle.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald::test {
namespace {

using Phrase = std::vector<uint32_t>;

WordLattice RandomWords(int frames, std::mt19937_64& random) {
  RawLattice raw = RandomLattice(frames, 3, random);
  raw.lattice_beam = 1000;
  return DeterminizeWords(raw);
}

/// Expected counts of all phrases of up to three words, by walking all paths.
std::map<Phrase, double> CountsOnPaths(const WordLattice& lattice, double scale) {
  std::map<Phrase, double> counts;
  double total = 0;
  for (const EnumeratedPath& path : EnumerateWordPaths(lattice)) {
    const double probability = std::exp(-scale * path.cost);
    total += probability;
    for (auto first = path.words.begin(); first != path.words.end(); ++first) {
      for (auto last = first + 1; last - first <= 3; ++last) {
        counts[Phrase(first, last)] += probability;
        if (last == path.words.end()) break;
      }
    }
  }
  for (auto& [phrase, count] : counts) count /= total;
  return counts;
}

/// The same from the chains of arcs.
std::map<Phrase, double> CountsOnChains(const PosteriorLattice& lattice) {
  std::map<Phrase, double> counts;
  const std::function<void(uint32_t, const Phrase&, double)> walk = [&](uint32_t node, const Phrase& phrase,
                                                                        double probability) {
    if (!phrase.empty()) counts[phrase] += probability;
    if (phrase.size() == 3) return;
    for (const auto& arc : lattice.arcs) {
      if (arc.source != node) continue;
      Phrase longer = phrase;
      longer.push_back(arc.word);
      walk(arc.destination, longer, probability * arc.conditional);
    }
  };
  for (uint32_t n = 0; n < lattice.nodes.size(); ++n) walk(n, {}, lattice.nodes[n].posterior);
  return counts;
}

TEST(PosteriorLattice, PhrasesCountWhatTheyCountOnPaths) {
  std::mt19937_64 random(PropertySeed());
  size_t compared = 0;
  for (int round = 0; round < 100; ++round) {
    const WordLattice words = RandomWords(2 + static_cast<int>(random() % 4), random);
    const double scale = 0.3;
    for (const double merge : {0.0, 1e-7}) {
      const auto counts = CountsOnChains(MakePosteriorLattice(words, {scale, 1e-6}, merge));
      for (const auto& [phrase, expected] : CountsOnPaths(words, scale)) {
        const auto found = counts.find(phrase);
        ASSERT_NEAR(found == counts.end() ? 0 : found->second, expected, kPrunedCountAbs);
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 1000u);
}

TEST(PosteriorLattice, ChainsAboveTheFloorKeepTheirProbability) {
  std::mt19937_64 random(PropertySeed());
  using Chain = std::vector<std::tuple<uint32_t, int32_t, int32_t, int64_t>>;
  const double floor = 0.01;
  const auto chains = [&](const PosteriorLattice& lattice) {
    std::multiset<Chain> result;
    for (const auto& first : lattice.arcs) {
      for (const auto& second : lattice.arcs) {
        if (second.source != first.destination) continue;
        const double probability = lattice.posterior(first) * second.conditional;
        if (probability < floor) continue;
        result.insert({{first.word, first.start_frame, first.end_frame, 0},
                       {second.word, second.start_frame, second.end_frame, std::llround(probability * 1e9)}});
      }
    }
    return result;
  };
  size_t compared = 0;
  for (int round = 0; round < 50; ++round) {
    const WordLattice words = RandomWords(5, random);
    const auto all = chains(MakePosteriorLattice(words, {0.3, 1e-6}));
    ASSERT_EQ(all, chains(MakePosteriorLattice(words, {0.3, floor})));
    compared += all.size();
  }
  EXPECT_GT(compared, 100u);
}

TEST(PosteriorLattice, KeepsTheBestPathWhateverTheFloor) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 50; ++round) {
    const WordLattice words = RandomWords(6, random);
    const auto paths = EnumerateWordPaths(words);
    const auto best = std::min_element(paths.begin(), paths.end(),
                                       [](const auto& a, const auto& b) { return a.cost < b.cost; });
    const PosteriorLattice lattice = MakePosteriorLattice(words, {0.05, 0.5}, 1e-3);
    Phrase found;
    for (const auto& arc : lattice.arcs) {
      if (arc.on_best_path) found.push_back(arc.word);
    }
    EXPECT_EQ(found, best->words);
    std::vector<bool> entered(lattice.nodes.size());
    for (const auto& arc : lattice.arcs) {
      ASSERT_LT(arc.source, arc.destination);
      ASSERT_LT(arc.destination, lattice.nodes.size());
      entered[arc.destination] = true;
    }
    // Pruned nodes are gone, and lend their share to nobody.
    for (size_t n = 1; n < lattice.nodes.size(); ++n) {
      bool left = entered[n];
      for (const auto& arc : lattice.arcs) left = left || arc.source == n;
      EXPECT_TRUE(left);
    }
  }
}

TEST(PosteriorLattice, MergesNodesWithTheSameFuture) {
  // Two histories that end at the same time, then the same words.
  WordLattice words;
  for (const int32_t frame : {0, 10, 10, 20, 20, 30}) words.nodes.push_back({frame});
  words.nodes[5].final_graph_cost = 0;
  const auto add = [&](uint32_t source, uint32_t destination, uint32_t word, double cost) {
    const int32_t start = words.nodes[source].frame;
    words.arcs.push_back({source, destination, word, start, start + 5, cost, 0.0});
  };
  add(0, 1, 1, std::log(4)), add(0, 2, 2, std::log(4.0 / 3));
  add(1, 3, 3, 0), add(2, 4, 3, 0);
  add(3, 5, 4, 0), add(4, 5, 4, 0);
  words.first_arc = {0, 2, 3, 4, 5, 6, 6};
  const PosteriorLattice lattice = MakePosteriorLattice(words, {1.0, 1e-3}, 0.01);
  ASSERT_EQ(lattice.nodes.size(), 4u);
  ASSERT_EQ(lattice.arcs.size(), 4u);
  EXPECT_NEAR(lattice.posterior(lattice.arcs[0]), 0.25, kPosteriorSumAbs);
  EXPECT_NEAR(lattice.posterior(lattice.arcs[1]), 0.75, kPosteriorSumAbs);
  EXPECT_NEAR(lattice.posterior(lattice.arcs[3]), 1.0, kPosteriorSumAbs);
  EXPECT_FALSE(lattice.arcs[0].on_best_path);
  for (size_t a = 1; a < 4; ++a) EXPECT_TRUE(lattice.arcs[a].on_best_path);
}

TEST(PosteriorLattice, RefusesOptionsOutOfRange) {
  EXPECT_FALSE(PosteriorLatticeOptions({0, 1e-3}).Validate().ok());
  EXPECT_FALSE(PosteriorLatticeOptions({1, 0}).Validate().ok());
  EXPECT_TRUE(PosteriorLatticeOptions().Validate().ok());
}

}  // namespace
}  // namespace skald::test
