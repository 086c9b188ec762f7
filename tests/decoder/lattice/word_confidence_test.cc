#include "decoder/lattice/word_confidence.h"

#include <cmath>
#include <gtest/gtest.h>

#include "lattice_builder.h"
#include "support/test_environment.h"

namespace skald::test {
namespace {

std::vector<double> Confidences(const RawLattice& lattice) {
  return WordConfidences(lattice, ForwardBackward(lattice), BestPath(lattice).words);
}

TEST(WordConfidence, SumsTheSameWordOverAlignmentsAndHistories) {
  // Word 1 in frame 0 or 1 (3/8 each), word 2 instead (1/4).
  LatticeBuilder b;
  const uint32_t s0 = b.State(0), s1 = b.State(1, 1), s2 = b.State(1), s3 = b.State(1, 2), end = b.State(2);
  b.Arc(s0, s1, 1, kArcWordStart, -std::log(3.0f));
  b.Blank(s0, s2, -std::log(3.0f));
  b.Arc(s0, s3, 2, kArcWordStart, -std::log(2.0f));
  b.Blank(s1, end);
  b.Arc(s2, end, 1, kArcWordStart);
  b.Blank(s3, end);
  b.Final(end);
  const std::vector<double> confidence = Confidences(b.Build());
  ASSERT_EQ(confidence.size(), 1u);
  EXPECT_NEAR(confidence[0], 0.75, 1e-6);
}

TEST(WordConfidence, KeepsRepeatedWordsAndFarOccurrencesApart) {
  // 40 frames: word 1 at frame 2 and again at frame 5; at frame 30 half of the probability says word 1, half
  // word 2.
  LatticeBuilder b;
  std::vector<uint32_t> states;
  for (int t = 0; t <= 40; ++t)
    states.push_back(b.State(t, t == 3 || t == 6 || t == 31 ? uint16_t{1} : uint16_t{0}));
  for (size_t t = 0; t < 40; ++t) {
    if (t == 2 || t == 5) {
      b.Arc(states[t], states[t + 1], 1, kArcWordStart);
    } else if (t == 30) {
      b.Arc(states[t], states[t + 1], 2, kArcWordStart);
      b.Arc(states[t], states[t + 1], 1, kArcWordStart, 0.25f);
    } else {
      b.Blank(states[t], states[t + 1]);
    }
  }
  b.Final(states.back());
  const std::vector<double> confidence = Confidences(b.Build());
  ASSERT_EQ(confidence.size(), 3u);
  EXPECT_NEAR(confidence[0], 1.0, 1e-9);
  EXPECT_NEAR(confidence[1], 1.0, 1e-9);
  EXPECT_NEAR(confidence[2], 1 / (1 + std::exp(-0.25)), 1e-6);
}

TEST(WordConfidence, StaysWithinZeroAndOne) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 50; ++round) {
    const RawLattice lattice = RandomLattice(30, 4, random);
    for (const double confidence : Confidences(lattice)) {
      ASSERT_GT(confidence, 0.0);
      ASSERT_LE(confidence, 1.0);
    }
  }
}

}  // namespace
}  // namespace skald::test
