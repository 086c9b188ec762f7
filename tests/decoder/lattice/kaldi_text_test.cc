#include "decoder/lattice/kaldi_text.h"

#include <gtest/gtest.h>

#include "random_raw_lattice.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald::test {
namespace {

TEST(KaldiText, RoundTripKeepsPathsCostsAndFrames) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 100; ++round) {
    const RawLattice raw = RandomRawLattice(random);
    const WordLattice words = DeterminizeWords(raw);
    const CompactLattice written[] = {ToCompactLattice(raw, words, "a"), ToCompactLattice(raw, words, "b-2")};
    const std::string text = WriteKaldiText(written);
    const auto read = ReadKaldiText(text);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    ASSERT_EQ(read->size(), 2u);
    EXPECT_EQ((*read)[1].key, "b-2");
    const auto again = ToWordLattice((*read)[1]);
    ASSERT_TRUE(again.ok()) << again.status().ToString();
    ASSERT_EQ(again->frames, raw.frames) << "round " << round;
    const std::vector<WordPath> expected = NBest(words, 50), found = NBest(*again, 50);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      ASSERT_NEAR(found[i].cost, expected[i].cost, kPathCostF32Abs);
      ASSERT_NEAR(found[i].graph_cost, expected[i].graph_cost, kPathCostF32Abs);
    }
    ASSERT_EQ(WordsOf(*again, found[0]), WordsOf(words, expected[0]));
  }
}

TEST(KaldiText, ReadsKaldisForms) {
  // Weights of one left out, states in any order, spaces for tabs, Windows line ends.
  const auto read = ReadKaldiText("utt-1\n7 2 5 1.5,2,3_3_4\n7 3 6\n3 2 8 0.25,0.5,1_1_2\r\n2\n\n");
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  const auto words = ToWordLattice((*read)[0]);
  ASSERT_TRUE(words.ok()) << words.status().ToString();
  const std::vector<WordPath> paths = NBest(*words, 10);
  ASSERT_EQ(paths.size(), 2u);
  EXPECT_EQ(WordsOf(*words, paths[0]), (WordString{6, 8}));
  EXPECT_EQ(paths[0].cost, 0.75);
  EXPECT_EQ(paths[1].graph_cost, 1.5);
  EXPECT_EQ(words->frames, 3);
  EXPECT_TRUE(ReadKaldiText("")->empty());
}

TEST(KaldiText, BadTextIsNamedWithItsLine) {
  const std::pair<const char*, const char*> bad[] = {
      {"two words\n0\n\n", "line 1: the key"},
      {"k\n0 1 2 3 4\n\n", "line 2: more than four"},
      {"k\nx 1 2\n\n", "line 2: the state"},
      {"k\n-1 1 2\n\n", "line 2: the state"},
      {"k\n0 y 2\n\n", "line 2: the state that"},
      {"k\n0 1 z\n\n", "line 2: the word"},
      {"k\n0 1 99999999999\n\n", "line 2: the word"},
      {"k\n0 1 2 1,2\n\n", "line 2: the weight"},
      {"k\n0 1 2 1,2,3,4\n\n", "line 2: the weight"},
      {"k\n0 1 2 1,nan,3\n\n", "line 2: the weight"},
      {"k\n0 1 2 inf,1,3\n\n", "line 2: the weight"},
      {"k\n0 1 2 1,2,3__4\n\n", "line 2: the weight"},
      {"k\n0 1 2 1,2,3_\n\n", "line 2: the weight"},
      {"k\n0 1,2,3\n0 1,2,3\n\n", "line 3: a second final"},
      {"k\n0 1 2\n1 0 3\n1\n\n", "line 5: lattice 'k' has a cycle"},
      {"k\n0 0 2\n0\n\n", "cycle"},
      {"k\n\n", "no states"},
      {"k\n0 1 2\n1\n", "ends inside"},
  };
  for (const auto& [text, message] : bad) {
    const auto read = ReadKaldiText(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.status().code(), StatusCode::kCorrupt);
    EXPECT_NE(read.status().ToString().find(message), std::string::npos) << read.status().ToString();
  }
}

TEST(KaldiText, DamageNeverCrashes) {
  std::mt19937_64 random(PropertySeed());
  const RawLattice raw = RandomRawLattice(random);
  const CompactLattice lattice = ToCompactLattice(raw, DeterminizeWords(raw), "key");
  const std::string text = WriteKaldiText({&lattice, 1});
  const std::string alphabet = "0123456789 \t\n,_.-einfx";
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = text;
    for (size_t n = 1 + random() % 4; n > 0; --n) {
      damaged[random() % damaged.size()] = alphabet[random() % alphabet.size()];
    }
    if (random() % 4 == 0) damaged.resize(random() % damaged.size());
    const auto read = ReadKaldiText(damaged);
    if (!read.ok()) continue;
    for (const CompactLattice& one : *read) {
      const auto words = ToWordLattice(one);
      if (!words.ok()) continue;
      EXPECT_LE(NBest(*words, 3).size(), 3u);
    }
  }
}

}  // namespace
}  // namespace skald::test
