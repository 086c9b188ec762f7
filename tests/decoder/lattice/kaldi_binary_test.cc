#include "decoder/lattice/kaldi_binary.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

#include "base/file.h"
#include "decoder/lattice/kaldi_text.h"
#include "random_raw_lattice.h"
#include "support/test_environment.h"

namespace skald::test {
namespace {

void ExpectEqual(const CompactLattice& a, const CompactLattice& b) {
  const auto weight = [](const CompactLattice::Weight& w) {
    return std::make_tuple(w.graph_cost, w.acoustic_cost, w.alignment);
  };
  EXPECT_EQ(a.key, b.key);
  ASSERT_EQ(a.states.size(), b.states.size());
  ASSERT_EQ(a.arcs.size(), b.arcs.size());
  for (size_t s = 0; s < a.states.size(); ++s) {
    EXPECT_EQ(a.states[s].is_final, b.states[s].is_final);
    EXPECT_EQ(weight(a.states[s].final_weight), weight(b.states[s].final_weight));
  }
  for (size_t i = 0; i < a.arcs.size(); ++i) {
    EXPECT_EQ(a.arcs[i].source, b.arcs[i].source);
    EXPECT_EQ(a.arcs[i].destination, b.arcs[i].destination);
    EXPECT_EQ(a.arcs[i].word, b.arcs[i].word);
    EXPECT_EQ(weight(a.arcs[i].weight), weight(b.arcs[i].weight));
  }
}

/// Places of the parts of the first header behind the key.
struct Header {
  explicit Header(const std::string& archive) : magic(archive.find(' ') + 1) {}
  size_t magic;
  size_t arc_type() const { return magic + 4 + 4 + 6; }
  size_t version() const { return arc_type() + 4 + 16; }
  size_t flags() const { return version() + 4; }
  size_t properties() const { return version() + 8; }
  size_t start() const { return properties() + 8; }
  size_t state_count() const { return start() + 8; }
  size_t first_state() const { return state_count() + 16; }
};

template <typename T>
std::string With(std::string bytes, size_t place, T value) {
  std::memcpy(bytes.data() + place, &value, sizeof(T));
  return bytes;
}

void ExpectRefused(const std::string& archive, StatusCode code, const std::string& message) {
  const auto read = ReadKaldiBinary(archive);
  ASSERT_FALSE(read.ok()) << message;
  EXPECT_EQ(read.status().code(), code) << read.status().ToString();
  EXPECT_NE(read.status().ToString().find(message), std::string::npos) << read.status().ToString();
  EXPECT_NE(read.status().ToString().find("byte"), std::string::npos) << read.status().ToString();
}

TEST(KaldiBinary, ReadsWhatKaldiWrote) {
  const std::string folder = ProjectPath("tests/decoder/lattice/golden/");
  const auto binary = ReadKaldiBinary(ReadFile(folder + "kaldi.ark").value());
  const auto text = ReadKaldiText(ReadFile(folder + "kaldi.txt").value());
  ASSERT_TRUE(binary.ok()) << binary.status().ToString();
  ASSERT_TRUE(text.ok()) << text.status().ToString();
  ASSERT_EQ(binary->size(), 3u);
  ASSERT_EQ(text->size(), 3u);
  for (size_t i = 0; i < 3; ++i) ExpectEqual((*binary)[i], (*text)[i]);
}

TEST(KaldiBinary, WritesWhatKaldiWritesButForProperties) {
  const std::string golden = ReadFile(ProjectPath("tests/decoder/lattice/golden/kaldi.ark")).value();
  const auto lattices = ReadKaldiBinary(golden).value();
  std::string written = WriteKaldiBinary(lattices);
  ASSERT_EQ(written.size(), golden.size());
  size_t begin = 0;
  for (const CompactLattice& lattice : lattices) {
    // The properties are what OpenFst found out about the lattice: hints that may be left out.
    const size_t place = begin + Header(golden.substr(begin)).properties();
    written.replace(place, 8, golden, place, 8);
    begin += lattice.key.size() + 1 + WriteKaldiBinary(lattice).size();
  }
  EXPECT_TRUE(written == golden);
}

TEST(KaldiBinary, RoundTripKeepsEveryBit) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 100; ++round) {
    const RawLattice raw = RandomRawLattice(random);
    const CompactLattice lattice = ToCompactLattice(raw, DeterminizeWords(raw), "k");
    // Reading sorts: a second time it changes nothing.
    const CompactLattice sorted = SortTopologically(lattice).value();
    const CompactLattice written[] = {sorted, lattice};
    const auto read = ReadKaldiBinary(WriteKaldiBinary(written));
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    ASSERT_EQ(read->size(), 2u);
    const auto again = ReadKaldiBinary(WriteKaldiBinary(*read)).value();
    for (size_t i = 0; i < 2; ++i) ExpectEqual(again[i], SortTopologically((*read)[i]).value());
    ASSERT_EQ(ToWordLattice((*read)[1]).value().arcs.size(), lattice.arcs.size());
  }
}

TEST(KaldiBinary, BadArchivesAreNamedWithTheByte) {
  // k: 0 -> 1 (word 5, frames 3 4), 1 -> 2 (word 6), 2 final.
  const std::string good =
      WriteKaldiBinary(ReadKaldiText("k\n0 1 5 1.5,2,3_4\n1 2 6 1,1,\n2 1,1,7\n\n").value());
  ASSERT_TRUE(ReadKaldiBinary(good).ok());
  const Header header(good);
  const size_t first_arc = header.first_state() + 12 + 8;
  const auto corrupt = [](const std::string& archive, const std::string& message) {
    ExpectRefused(archive, StatusCode::kCorrupt, message);
  };
  const auto unsupported = [](const std::string& archive, const std::string& message) {
    ExpectRefused(archive, StatusCode::kUnsupported, message);
  };
  corrupt("key", "no key");
  corrupt("key\n0 1 5\n\n", "no key");
  corrupt(With(good, header.magic, 7), "no binary FST");
  unsupported(With(good, header.magic + 8, 'c'), "another type than vector");
  unsupported(With(good, header.arc_type() + 8, 'C'), "another type than compactlattice44");
  unsupported(With(good, header.version(), 1), "version 1");
  unsupported(With(good, header.flags(), 1), "symbol tables");
  corrupt(With(good, header.start(), int64_t{3}), "start state 3 of 3");
  corrupt(With(good, header.start(), int64_t{-1}), "start state -1");
  corrupt(With(good, header.state_count(), int64_t{0}), "no states");
  corrupt(With(good, header.state_count(), int64_t{-1}), "the number of states of -1");
  corrupt(With(good, header.state_count(), int64_t{1} << 60), "reaches beyond the end");
  corrupt(With(good, header.first_state(), std::nanf("")), "final cost that is not finite");
  corrupt(With(good, header.first_state() + 8, int32_t{-5}), "number of frames of -5");
  corrupt(With(good, header.first_state() + 8, int32_t{1} << 30), "reaches beyond the end");
  corrupt(With(good, header.first_state() + 12, int64_t{1} << 40), "number of arcs");
  corrupt(With(good, first_arc, 4), "two labels");
  corrupt(With(With(good, first_arc, -4), first_arc + 4, -4), "negative word");
  corrupt(With(good, first_arc + 8, std::nanf("")), "not finite");
  corrupt(With(good, first_arc + 12, -std::numeric_limits<float>::infinity()), "not finite");
  corrupt(With(good, first_arc + 28, 3), "state 3 of 3");
  corrupt(With(good, first_arc + 28, -1), "state -1 of 3");
  const auto cycle = ReadKaldiBinary(With(good, first_arc + 28, 0));
  ASSERT_FALSE(cycle.ok());
  EXPECT_NE(cycle.status().ToString().find("'k' has a cycle"), std::string::npos);
}

TEST(KaldiBinary, EveryTruncationIsRefused) {
  const std::string golden = ReadFile(ProjectPath("tests/decoder/lattice/golden/kaldi.ark")).value();
  int whole = 0;
  for (size_t size = 0; size < golden.size(); ++size) {
    whole += ReadKaldiBinary(std::string_view(golden).substr(0, size)).ok() ? 1 : 0;
  }
  EXPECT_EQ(whole, 3);  // nothing, and behind the first and the second of three lattices
}

TEST(KaldiBinary, DamageNeverCrashes) {
  std::mt19937_64 random(PropertySeed());
  const std::string golden = ReadFile(ProjectPath("tests/decoder/lattice/golden/kaldi.ark")).value();
  int sound = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = golden;
    for (size_t n = 1 + random() % 3; n > 0; --n) {
      const size_t place = random() % damaged.size();
      damaged[place] = random() % 2 == 0 ? static_cast<char>(random())
                                         : static_cast<char>(damaged[place] ^ (1 << random() % 8));
    }
    if (random() % 8 == 0) damaged.erase(random() % damaged.size(), random() % 9);
    const auto read = ReadKaldiBinary(damaged);
    if (!read.ok()) continue;
    ++sound;
    for (const CompactLattice& lattice : *read) {
      EXPECT_EQ(WriteKaldiBinary(SortTopologically(lattice).value()).size(),
                WriteKaldiBinary(lattice).size());
      const auto words = ToWordLattice(lattice);
      if (words.ok()) {
        EXPECT_LE(NBest(*words, 3).size(), 3u);
      }
    }
  }
  EXPECT_GT(sound, 0);
}

}  // namespace
}  // namespace skald::test
