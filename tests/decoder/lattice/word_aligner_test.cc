#include "decoder/lattice/word_aligner.h"

#include <gtest/gtest.h>

#include "decoder/lattice/nbest.h"
#include "lattice_oracle.h"
#include "search_test_support.h"
#include "support/test_environment.h"

namespace skald::test {
namespace {

TEST(WordAligner, FindsEveryWordWhereTheBestPathThroughItHasIt) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 100; ++round) {
    const TestGraph graph = RandomWordLoop(1 + static_cast<int>(random() % 5), 4, random() % 2 == 0, random);
    const int frames = 1 + static_cast<int>(random() % 8);
    const std::vector<float> scores = RandomScores(frames, graph.units, 0.2, 1.5, random);
    const RawLattice raw =
        Search(graph.Image(), ScoreView(scores.data(), frames, graph.units), ExactSearch(6));
    const WordLattice words = DeterminizeWords(raw);
    // Paths by rising cost: the first that holds an arc is the best through it.
    const std::vector<WordPath> paths = NBest(words, 100000);
    std::vector<char> seen(words.arcs.size(), 0);
    WordAligner aligner(raw, words);
    for (const WordPath& path : paths) {
      const std::vector<PathWord> expected = AlignWordPath(raw, words, path.arcs).words;
      for (size_t k = 0; k < path.arcs.size(); ++k) {
        if (seen[path.arcs[k]]) continue;
        seen[path.arcs[k]] = 1;
        const PathWord found = aligner.Align(path.arcs[k]);
        ASSERT_EQ(found.word, words.arcs[path.arcs[k]].word);
        ASSERT_EQ(found.start_frame, expected[k].start_frame) << "round " << round;
        ASSERT_EQ(found.end_frame, expected[k].end_frame) << "round " << round;
        ASSERT_EQ(found.label_frame, expected[k].label_frame) << "round " << round;
      }
    }
    ASSERT_EQ(std::count(seen.begin(), seen.end(), 0), 0) << "arcs on no path, round " << round;
  }
}

}  // namespace
}  // namespace skald::test
