#include "decoder/lattice/best_path.h"

#include <gtest/gtest.h>

#include "lattice_builder.h"

namespace skald::test {
namespace {

/// Frames 0-9: word 7 = units 1 1 2 (with a blank between the doubled unit), a separator (unit 5), word 8 =
/// unit 3 held. The label of word 7 comes with the separator, that of word 8 before its first unit: as
/// determinisation and pushing place them.
RawLattice TwoWords() {
  LatticeBuilder b;
  const uint32_t s0 = b.State(0), s1 = b.State(1), s2 = b.State(2, 1), s3 = b.State(3, 1), s4 = b.State(4),
                 s5 = b.State(5, 1), s6 = b.State(6, 2), s7 = b.State(7, 5), s8 = b.State(7, 5),
                 s9 = b.State(8, 3), s10 = b.State(9, 3), s11 = b.State(10);
  b.Blank(s0, s1, 0.5f);
  b.Arc(s1, s2, 0, kArcWordStart, 1.0f, 0.5f);
  b.Repeat(s2, s3, 0.5f);
  b.Blank(s3, s4, 0.5f);
  b.Arc(s4, s5, 0, 0, 0.25f, 0.5f);
  b.Arc(s5, s6, 0, 0, 0.25f, 0.5f);
  b.Arc(s6, s7, 7, kArcWordSeparator, 0.25f, 0.5f);
  b.Arc(s7, s8, 8, 0, 2.0f);
  b.Arc(s8, s9, 0, kArcWordStart, 0.25f, 0.5f);
  b.Repeat(s9, s10, 0.5f);
  b.Blank(s10, s11, 0.5f);
  b.Final(s11, 0.125f);
  return b.Build();
}

TEST(BestPath, UnitsAndWordsHaveTheirFrames) {
  const BestPathResult path = BestPath(TwoWords());
  EXPECT_DOUBLE_EQ(path.acoustic_cost, 5.0);
  EXPECT_DOUBLE_EQ(path.graph_cost, 4.125);
  EXPECT_DOUBLE_EQ(path.cost, 9.125);
  ASSERT_EQ(path.units.size(), 5u);
  const int expected[5][3] = {{1, 1, 3}, {1, 4, 5}, {2, 5, 6}, {5, 6, 7}, {3, 7, 9}};
  for (size_t u = 0; u < 5; ++u) {
    EXPECT_EQ(path.units[u].unit, expected[u][0]);
    EXPECT_EQ(path.units[u].start_frame, expected[u][1]);
    EXPECT_EQ(path.units[u].end_frame, expected[u][2]);
  }
  ASSERT_EQ(path.words.size(), 2u);
  EXPECT_EQ(path.words[0].word, 7u);
  EXPECT_EQ(path.words[0].start_frame, 1);
  EXPECT_EQ(path.words[0].end_frame, 6) << "the separator belongs to no word";
  EXPECT_EQ(path.words[0].unit_count, 3u);
  EXPECT_EQ(path.words[0].label_frame, 6);
  EXPECT_EQ(path.words[1].word, 8u);
  EXPECT_EQ(path.words[1].start_frame, 7);
  EXPECT_EQ(path.words[1].end_frame, 9);
  EXPECT_EQ(path.words[1].first_unit, 4u);
}

TEST(BestPath, WordStartWithoutLabelIsNoWord) {
  LatticeBuilder b;
  const uint32_t s0 = b.State(0), s1 = b.State(1, 1), s2 = b.State(2, 2);
  b.Arc(s0, s1, 4, kArcWordStart);
  b.Arc(s1, s2, 0, kArcWordStart);
  b.Final(s2);
  const BestPathResult path = BestPath(b.Build());
  ASSERT_EQ(path.words.size(), 1u);
  EXPECT_EQ(path.words[0].word, 4u);
  EXPECT_EQ(path.words[0].end_frame, 1);
}

TEST(BestPath, LabelWithoutWordStartIsEmptyAtItsFrame) {
  LatticeBuilder b;
  const uint32_t s0 = b.State(0), s1 = b.State(1), s2 = b.State(2, 2);
  b.Blank(s0, s1);
  b.Arc(s1, s2, 4);
  b.Final(s2);
  const BestPathResult path = BestPath(b.Build());
  ASSERT_EQ(path.words.size(), 1u);
  EXPECT_EQ(path.words[0].start_frame, 1);
  EXPECT_EQ(path.words[0].end_frame, 1);
}

TEST(BestPath, TiesGoToTheSmallestSourceThenCell) {
  LatticeBuilder b;
  const uint32_t s0 = b.State(0), s1 = b.State(1, 1), s2 = b.State(1, 2), s3 = b.State(2, 3);
  b.Arc(s0, s1, 0, 0, 0.5f);
  b.Arc(s0, s2, 0, 0, 0.25f);
  b.Arc(s2, s3, 2, 0, 0.75f);
  b.Arc(s1, s3, 1, 0, 0.5f);
  b.Arc(s1, s3, 3, 0, 0.5f);
  b.Final(s3);
  const BestPathResult path = BestPath(b.Build());
  EXPECT_EQ(path.cost, 1.0);
  ASSERT_EQ(path.words.size(), 1u);
  EXPECT_EQ(path.words[0].word, 1u);
}

TEST(BestPath, SingleState) {
  LatticeBuilder b;
  b.Final(b.State(0), 2.5f);
  const BestPathResult path = BestPath(b.Build());
  EXPECT_EQ(path.cost, 2.5);
  EXPECT_TRUE(path.units.empty());
  EXPECT_TRUE(path.words.empty());
}

}  // namespace
}  // namespace skald::test
