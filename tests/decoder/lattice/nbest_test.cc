#include "decoder/lattice/nbest.h"

#include <gtest/gtest.h>

#include "lattice_builder.h"
#include "lattice_oracle.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald::test {
namespace {

WordString WordsOf(const WordLattice& lattice, const WordPath& path) {
  WordString words;
  for (const uint32_t a : path.arcs) words.push_back(lattice.arcs[a].word);
  return words;
}

TEST(NBest, EqualsTheSortedEnumerationOfTheRawLattice) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 200; ++round) {
    RawLattice raw =
        RandomLattice(static_cast<int>(random() % 7), 1 + static_cast<int>(random() % 3), random);
    raw.lattice_beam = random() % 2 == 0 ? INFINITY : std::uniform_real_distribution<float>(1, 10)(random);
    const WordLattice lattice = DeterminizeWords(raw);
    std::vector<std::pair<double, WordString>> expected;
    for (const auto& [words, alignment] : EnumerateStrings(raw)) expected.emplace_back(alignment.cost, words);
    std::sort(expected.begin(), expected.end());
    size_t within = 0;
    while (within < expected.size() &&
           expected[within].first < expected[0].first + raw.lattice_beam - kPathCostAbs) {
      ++within;
    }
    const size_t count = 1 + random() % 40;
    const std::vector<WordPath> paths = NBest(lattice, count, raw.lattice_beam);
    ASSERT_GE(paths.size(), std::min(count, within));
    for (size_t i = 0; i < paths.size() && i < within; ++i) {
      ASSERT_EQ(WordsOf(lattice, paths[i]), expected[i].second) << "round " << round << " rank " << i;
      ASSERT_NEAR(paths[i].cost, expected[i].first, kPathCostAbs);
      ASSERT_NEAR(paths[i].cost, AlignWordPath(raw, lattice, paths[i].arcs).cost, kPathCostAbs);
      ASSERT_DOUBLE_EQ(paths[i].cost, paths[i].graph_cost + paths[i].acoustic_cost);
    }
  }
}

TEST(NBest, BeamAndCountLimit) {
  std::mt19937_64 random(PropertySeed());
  RawLattice raw = RandomLattice(6, 3, random);
  raw.lattice_beam = INFINITY;
  const WordLattice lattice = DeterminizeWords(raw);
  const std::vector<WordPath> all = NBest(lattice, 1000000);
  EXPECT_EQ(all.size(), EnumerateStrings(raw).size());
  EXPECT_TRUE(NBest(lattice, 0).empty());
  EXPECT_EQ(NBest(lattice, 3).size(), std::min<size_t>(3, all.size()));
  for (const WordPath& path : NBest(lattice, 1000000, 2.0))
    EXPECT_LE(path.cost, all[0].cost + 2.0 + kPathCostAbs);
  EXPECT_TRUE(NBest(WordLattice{}, 5).empty());
}

TEST(NBest, PathWithoutWords) {
  LatticeBuilder b;
  b.Final(b.State(0), 1.5f);
  const std::vector<WordPath> paths = NBest(DeterminizeWords(b.Build()), 5);
  ASSERT_EQ(paths.size(), 1u);
  EXPECT_TRUE(paths[0].arcs.empty());
  EXPECT_EQ(paths[0].cost, 1.5);
}

}  // namespace
}  // namespace skald::test
