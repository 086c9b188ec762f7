#include "decoder/lattice/word_lattice.h"

#include <cmath>
#include <gtest/gtest.h>

#include "lattice_builder.h"
#include "lattice_oracle.h"
#include "search_test_support.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald::test {
namespace {

/// The laws of a word lattice against the enumeration of the raw one.
void ExpectExact(const RawLattice& raw, const WordLattice& words) {
  const std::map<WordString, Alignment> expected = EnumerateStrings(raw);
  double best = INFINITY;
  for (const auto& [string, alignment] : expected) best = std::min(best, alignment.cost);

  ASSERT_EQ(words.first_arc.size(), words.nodes.size() + 1);
  for (uint32_t n = 0; n < words.nodes.size(); ++n) {
    uint32_t last_word = 0;
    for (const WordLatticeArc& arc : words.arcs_of(n)) {
      ASSERT_EQ(arc.source, n);
      ASSERT_GT(arc.destination, n) << "topological order";
      ASSERT_GT(arc.word, last_word) << "deterministic, sorted, no epsilon";
      ASSERT_LE(arc.start_frame, arc.end_frame);
      last_word = arc.word;
    }
  }
  std::vector<char> used(words.arcs.size(), 0);
  std::map<WordString, double> found;
  for (const EnumeratedPath& path : EnumerateWordPaths(words)) {
    ASSERT_TRUE(found.emplace(path.words, path.cost).second);
    const auto place = expected.find(path.words);
    ASSERT_NE(place, expected.end());
    const bool within = place->second.cost < best + words.effective_beam - kPathCostAbs;
    if (path.cost <= best + words.effective_beam + kPathCostAbs) {
      for (const uint32_t a : path.arcs) used[a] = 1;
    }
    if (!within) {
      ASSERT_GE(path.cost, place->second.cost - kPathCostAbs);
      continue;
    }
    ASSERT_NEAR(path.cost, place->second.cost, kPathCostAbs);
    const BestPathResult aligned = AlignWordPath(raw, words, path.arcs);
    ASSERT_NEAR(aligned.cost, path.cost, kPathCostAbs);
    ASSERT_NEAR(aligned.graph_cost, path.graph_cost, kPathCostAbs);
    ASSERT_EQ(aligned.arcs, place->second.arcs) << "no ties in random costs";
  }
  for (const auto& [string, alignment] : expected) {
    if (alignment.cost < best + words.effective_beam - kPathCostAbs) {
      ASSERT_TRUE(found.contains(string)) << alignment.cost - best;
    }
  }
  for (const char on_path : used) ASSERT_TRUE(on_path) << "every arc is on a path within the beam";
}

TEST(WordLattice, AnyLatticeKeepsItsStringsAndCosts) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 300; ++round) {
    RawLattice raw =
        RandomLattice(static_cast<int>(random() % 7), 1 + static_cast<int>(random() % 3), random);
    // Word starts and labels in no relation to each other.
    for (RawLatticeArc& arc : raw.arcs) {
      if (random() % 3 == 0) arc.flags = random() % 3 == 0 ? kArcWordSeparator : kArcWordStart;
    }
    raw.lattice_beam = random() % 3 == 0 ? INFINITY : std::uniform_real_distribution<float>(0, 12)(random);
    ExpectExact(raw, DeterminizeWords(raw));
    if (HasFatalFailure()) FAIL() << "round " << round;
  }
}

TEST(WordLattice, LatticesOfTheSearchKeepStringsCostsAndTimes) {
  std::mt19937_64 random(PropertySeed());
  size_t strings = 0;
  for (int round = 0; round < 200; ++round) {
    const bool separator = random() % 2 == 0;
    const TestGraph graph = RandomWordLoop(1 + static_cast<int>(random() % 5), 4, separator, random);
    const int frames = static_cast<int>(random() % 8);
    const std::vector<float> scores = RandomScores(frames, graph.units, 0.2, 1.5, random);
    const float beam = random() % 3 == 0 ? INFINITY : std::uniform_real_distribution<float>(1, 10)(random);
    const RawLattice raw =
        Search(graph.Image(), ScoreView(scores.data(), frames, graph.units), ExactSearch(beam));
    const WordLattice words = DeterminizeWords(raw);
    ExpectExact(raw, words);
    if (HasFatalFailure()) FAIL() << "round " << round;
    // The arcs of the best path carry its times.
    const BestPathResult best = BestPath(raw);
    uint32_t node = 0;
    for (const PathWord& word : best.words) {
      const auto arcs = words.arcs_of(node);
      const auto arc =
          std::find_if(arcs.begin(), arcs.end(), [&](const auto& a) { return a.word == word.word; });
      ASSERT_NE(arc, arcs.end());
      ASSERT_EQ(arc->start_frame, word.start_frame) << "round " << round;
      ASSERT_EQ(arc->end_frame, word.end_frame) << "round " << round;
      ASSERT_LE(words.nodes[node].frame, word.start_frame);
      if (node != 0) {
        ASSERT_EQ(words.nodes[node].frame, word.start_frame) << "nodes lie at word starts";
      }
      node = arc->destination;
    }
    strings += words.arcs.size();
  }
  EXPECT_GT(strings, 500u);
}

TEST(WordLattice, SmallerBeamsKeepFewerStrings) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 50; ++round) {
    RawLattice raw = RandomLattice(6, 3, random);
    raw.lattice_beam = INFINITY;
    size_t paths = 0;
    for (const float beam : {0.5f, 2.0f, 5.0f, 9.0f}) {
      WordLatticeOptions options;
      options.beam = beam;
      const WordLattice words = DeterminizeWords(raw, options);
      EXPECT_EQ(words.effective_beam, beam);
      ExpectExact(raw, words);
      const size_t more = EnumerateWordPaths(words).size();
      EXPECT_GE(more, paths);
      paths = more;
    }
  }
}

TEST(WordLattice, LimitShrinksTheBeamAndSaysSo) {
  std::mt19937_64 random(PropertySeed());
  RawLattice raw = RandomLattice(7, 3, random);
  raw.lattice_beam = 30;
  WordLatticeOptions options;
  options.max_elements = static_cast<int64_t>(DeterminizeWords(raw).links.size()) / 2;
  const WordLattice words = DeterminizeWords(raw, options);
  EXPECT_LT(words.effective_beam, 30);
  EXPECT_LE(static_cast<int64_t>(words.links.size()), options.max_elements);
  ExpectExact(raw, words);
  options.max_elements = 0;
  EXPECT_EQ(DeterminizeWords(raw, options).effective_beam, 0.0f) << "the best string always stays";
  EXPECT_FALSE(EnumerateWordPaths(DeterminizeWords(raw, options)).empty());
}

TEST(WordLattice, LongStreamsKeepExactSums) {
  // An hour of frames: errors of single sums must not pile up.
  std::mt19937_64 random(PropertySeed());
  RawLattice raw = RandomLattice(90000, 2, random);
  raw.lattice_beam = 1;
  const WordLattice words = DeterminizeWords(raw);
  const BestPathResult best = BestPath(raw);
  uint32_t node = 0;
  double cost = 0;
  std::vector<uint32_t> arcs;
  for (const PathWord& word : best.words) {
    for (uint32_t a = words.first_arc[node]; a < words.first_arc[node + 1]; ++a) {
      if (words.arcs[a].word == word.word) arcs.push_back(a);
    }
    ASSERT_EQ(words.arcs[arcs.back()].source, node);
    cost += words.arcs[arcs.back()].cost();
    node = words.arcs[arcs.back()].destination;
  }
  EXPECT_NEAR(cost + words.nodes[node].final_cost(), best.cost, kPathCostAbs);
  EXPECT_EQ(AlignWordPath(raw, words, arcs).arcs, best.arcs);
}

TEST(WordLattice, NoWordsNoFramesNoPath) {
  LatticeBuilder one;
  one.Final(one.State(0), 2.5f);
  RawLattice raw = one.Build();
  raw.lattice_beam = 8;
  const WordLattice words = DeterminizeWords(raw);
  ASSERT_EQ(words.nodes.size(), 1u);
  EXPECT_TRUE(words.arcs.empty());
  EXPECT_DOUBLE_EQ(words.nodes[0].final_cost(), 2.5);
  EXPECT_TRUE(AlignWordPath(raw, words, {}).words.empty());

  raw.states[0].final_cost = INFINITY;
  EXPECT_TRUE(DeterminizeWords(raw).nodes.empty());
  EXPECT_TRUE(DeterminizeWords(RawLattice{}).nodes.empty());
}

}  // namespace
}  // namespace skald::test
