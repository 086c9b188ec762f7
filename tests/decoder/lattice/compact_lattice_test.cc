#include "decoder/lattice/compact_lattice.h"

#include <gtest/gtest.h>

#include "decoder/lattice/kaldi_text.h"
#include "decoder/lattice/nbest.h"
#include "random_raw_lattice.h"
#include "support/test_environment.h"

namespace skald::test {
namespace {

TEST(CompactLattice, AlignmentOfTheBestPathIsItsFrames) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 100; ++round) {
    const RawLattice raw = RandomRawLattice(random);
    const WordLattice words = DeterminizeWords(raw);
    const CompactLattice lattice = ToCompactLattice(raw, words, "k");
    const std::vector<WordPath> best = NBest(words, 1);
    std::vector<int32_t> found, expected;
    for (const uint32_t a : best[0].arcs) {
      const std::vector<int32_t>& ids = lattice.arcs[a].weight.alignment;
      found.insert(found.end(), ids.begin(), ids.end());
    }
    const uint32_t last = best[0].arcs.empty() ? 0 : words.arcs[best[0].arcs.back()].destination;
    const std::vector<int32_t>& ids = lattice.states[last].final_weight.alignment;
    found.insert(found.end(), ids.begin(), ids.end());
    for (const uint32_t a : BestPath(raw).arcs) {
      if (raw.consumes_frame(raw.arcs[a])) expected.push_back(raw.arcs[a].unit + 1);
    }
    ASSERT_EQ(found, expected) << "round " << round;
  }
}

TEST(CompactLattice, LatticesThatAreNoWordLatticesAreRefused) {
  const std::pair<const char*, const char*> bad[] = {
      {"k\n0 1 2 1,2,3_4\n0 1 3 1,2,3\n1\n\n", "different numbers of frames"},
      {"k\n0 1 2 1,2,3_4\n0 1,1,3\n1\n\n", "different numbers of frames"},
      {"k\n0 1 0 1,2,3\n1\n\n", "no word"},
      {"k\n0 1 2 1,2,3\n0 2 2 1,2,3\n1\n2\n\n", "not deterministic"},
  };
  for (const auto& [text, message] : bad) {
    const auto words = ToWordLattice(ReadKaldiText(text).value()[0]);
    ASSERT_FALSE(words.ok()) << text;
    EXPECT_NE(words.status().ToString().find(message), std::string::npos) << words.status().ToString();
  }
}

}  // namespace
}  // namespace skald::test
