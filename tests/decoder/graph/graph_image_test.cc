#include "decoder/graph/graph_image.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

#include "base/file.h"
#include "base/hash.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using ::testing::HasSubstr;
using Arc = GraphImageBuilder::Arc;

/// Accepts A B (word AB) and, over an epsilon arc, B alone (word B).
GraphImageBuilder SmallGraph() {
  GraphImageBuilder builder({"<blk>", "A", "B"}, {"", "AB", "B"});
  const Arc from_start[] = {{3, 0.5f, 0, 0, 0}, {1, 1.0f, 1, kArcWordStart, 0}};
  const Arc from_a[] = {{2, 2.0f, 2, 0, 1}};
  const Arc from_epsilon[] = {{2, -0.25f, 2, kArcWordStart, 2}};
  builder.AddState(INFINITY, from_start);
  builder.AddState(INFINITY, from_a);
  builder.AddState(0.75f, {});
  builder.AddState(INFINITY, from_epsilon);
  builder.SetStart(0);
  builder.SetRecipe("{\"name\":\"small\"}");
  return builder;
}

std::string FileBytes(const std::string& path) { return ReadFile(path).value(); }

void ExpectSameImages(const GraphImage& a, const GraphImage& b) {
  ASSERT_EQ(a.cells().size(), b.cells().size());
  EXPECT_EQ(std::memcmp(a.cells().data(), b.cells().data(), a.cells().size_bytes()), 0);
  ASSERT_EQ(a.word_count(), b.word_count());
  for (uint32_t word = 0; word < a.word_count(); ++word) EXPECT_EQ(a.word(word), b.word(word));
  ASSERT_EQ(a.info().unit_count, b.info().unit_count);
  for (uint32_t unit = 0; unit < a.info().unit_count; ++unit) EXPECT_EQ(a.unit(unit), b.unit(unit));
  EXPECT_EQ(a.info().state_count, b.info().state_count);
  EXPECT_EQ(a.info().emitting_arc_count, b.info().emitting_arc_count);
  EXPECT_EQ(a.info().epsilon_arc_count, b.info().epsilon_arc_count);
  EXPECT_EQ(a.info().start_block, b.info().start_block);
  EXPECT_EQ(a.info().max_epsilon_rank, b.info().max_epsilon_rank);
  EXPECT_EQ(a.info().min_arc_cost, b.info().min_arc_cost);
  EXPECT_EQ(a.info().recipe_json, b.info().recipe_json);
  EXPECT_EQ(a.content_hash(), b.content_hash());
}

TEST(GraphImage, LaysOutBlocksInStateOrder) {
  const GraphImage image = SmallGraph().Build().value();
  EXPECT_EQ(image.info().state_count, 4u);
  EXPECT_EQ(image.info().emitting_arc_count, 3u);
  EXPECT_EQ(image.info().epsilon_arc_count, 1u);
  EXPECT_EQ(image.info().max_epsilon_rank, 1);
  EXPECT_EQ(image.info().min_arc_cost, -0.25f);
  EXPECT_EQ(image.info().start_block, 0u);
  EXPECT_EQ(image.word(1), "AB");
  EXPECT_EQ(image.unit(2), "B");

  const StateHeader& start = image.header(0);
  EXPECT_EQ(start.emitting_arcs(), 1u);
  EXPECT_EQ(start.epsilon_arcs(), 1u);
  EXPECT_EQ(start.flags, kStateHasEpsilonArcs);
  EXPECT_EQ(image.emitting_arcs(0)[0].flags, kArcWordStart);
  const uint32_t after_a = image.emitting_arcs(0)[0].next_block;
  EXPECT_EQ(after_a, 4u) << "a header and two arcs fill three cells, and blocks start at even cells";
  EXPECT_EQ(image.header(after_a).orig_state, 1u);
  const uint32_t last = image.emitting_arcs(after_a)[0].next_block;
  EXPECT_EQ(image.header(last).flags, kStateFinal);
  EXPECT_EQ(image.header(last).final_cost, 0.75f);
  EXPECT_EQ(image.header(image.epsilon_arcs(0)[0].next_block).epsilon_rank, 1);
}

TEST(GraphImage, FileRoundTrip) {
  test::TemporaryFolder folder;
  const GraphImage image = SmallGraph().Build().value();
  ASSERT_TRUE(WriteGraphImage(image, folder / "a.skg").ok());
  const auto mapped = GraphImage::Open(folder / "a.skg", true);
  ASSERT_TRUE(mapped.ok()) << mapped.status().ToString();
  ExpectSameImages(image, *mapped);
  ASSERT_TRUE(WriteGraphImage(*mapped, folder / "b.skg").ok());
  EXPECT_EQ(FileBytes(folder / "a.skg"), FileBytes(folder / "b.skg"));
}

TEST(GraphImage, RandomGraphsRoundTripAndIgnoreArcOrder) {
  std::mt19937_64 random(test::PropertySeed());
  test::TemporaryFolder folder;
  for (int round = 0; round < 30; ++round) {
    const uint32_t state_count = 1 + random() % 60;
    std::vector<std::string> units{"<blk>"}, words{""};
    for (int i = 0; i < 5; ++i) units.push_back(std::to_string(i)), words.push_back(std::string(i, 'w'));
    GraphImageBuilder builder(units, words), shuffled(units, words);
    for (uint32_t state = 0; state < state_count; ++state) {
      std::vector<Arc> arcs(random() % 7);
      for (Arc& arc : arcs) {
        arc.unit = static_cast<uint16_t>(random() % 6);
        arc.next_state = static_cast<uint32_t>(random() % state_count);
        if (arc.unit == 0 && arc.next_state <= state)
          arc.unit = 1;  // epsilon arcs only lead forwards: no cycle
        arc.flags = arc.unit == 0 ? 0 : static_cast<uint16_t>(random() % 3);
        arc.cost = static_cast<float>(random() % 100) / 8 - 2;
        arc.word = static_cast<uint32_t>(random() % 6);
      }
      const float final_cost = random() % 3 == 0 ? 1.5f : INFINITY;
      builder.AddState(final_cost, arcs);
      std::shuffle(arcs.begin(), arcs.end(), random);
      shuffled.AddState(final_cost, arcs);
    }
    const uint32_t start = static_cast<uint32_t>(random() % state_count);
    builder.SetStart(start);
    shuffled.SetStart(start);
    const GraphImage image = std::move(builder).Build().value();
    ExpectSameImages(image, std::move(shuffled).Build().value());
    ASSERT_TRUE(WriteGraphImage(image, folder / "a.skg").ok());
    ExpectSameImages(image, GraphImage::Open(folder / "a.skg", true).value());
    // Ranks: every epsilon arc leads to a larger rank; a state of rank r > 0 has a predecessor of rank r - 1.
    uint32_t block = 0;
    for (uint32_t state = 0; state < state_count; ++state) {
      ASSERT_EQ(image.header(block).orig_state, state);
      for (const GraphArc& arc : image.epsilon_arcs(block)) {
        EXPECT_GT(image.header(arc.next_block).epsilon_rank, image.header(block).epsilon_rank);
      }
      const auto emitting = image.emitting_arcs(block);
      for (size_t i = 1; i < emitting.size(); ++i) EXPECT_LE(emitting[i - 1].unit, emitting[i].unit);
      const uint32_t cells = 1 + image.header(block).emitting_arcs() + image.header(block).epsilon_arcs();
      block += cells + cells % 2;
    }
    EXPECT_EQ(block, image.info().cell_count);
  }
}

TEST(GraphImageBuilder, RefusesBadGraphs) {
  const auto build = [](float final_cost, std::vector<Arc> arcs, uint32_t start = 0) {
    GraphImageBuilder builder({"<blk>", "A"}, {"", "W"});
    builder.AddState(final_cost, arcs);
    builder.AddState(0, {});
    builder.SetStart(start);
    const auto image = std::move(builder).Build();
    return image.ok() ? std::string("ok") : image.status().ToString();
  };
  EXPECT_EQ(build(INFINITY, {{1, 0, 1, 0, 1}}), "ok");
  EXPECT_THAT(build(INFINITY, {}, 2), HasSubstr("no start state"));
  EXPECT_THAT(build(INFINITY, {{2, 0, 1, 0, 0}}), HasSubstr("state 0: arc leads to state 2"));
  EXPECT_THAT(build(INFINITY, {{1, 0, 2, 0, 0}}), HasSubstr("unit 2"));
  EXPECT_THAT(build(INFINITY, {{1, 0, 1, 0, 2}}), HasSubstr("word 2"));
  EXPECT_THAT(build(INFINITY, {{1, 0, 1, 3, 0}}), HasSubstr("flags"));
  EXPECT_THAT(build(INFINITY, {{1, 0, 0, 1, 0}}), HasSubstr("flags"));
  EXPECT_THAT(build(INFINITY, {{1, NAN, 1, 0, 0}}), HasSubstr("not finite"));
  EXPECT_THAT(build(INFINITY, {{1, INFINITY, 1, 0, 0}}), HasSubstr("not finite"));
  EXPECT_THAT(build(NAN, {}), HasSubstr("final cost"));
  EXPECT_THAT(build(-INFINITY, {}), HasSubstr("final cost"));
  EXPECT_THAT(build(INFINITY, {{0, 1, 0, 0, 0}}), HasSubstr("epsilon cycle through state 0"));
  EXPECT_THAT(build(INFINITY, std::vector<Arc>(4096, Arc{1, 0, 0, 0, 0})), HasSubstr("4096 epsilon arcs"));
  EXPECT_THAT(build(INFINITY, std::vector<Arc>(1 << 20, Arc{1, 0, 1, 0, 0})),
              HasSubstr("1048576 emitting arcs"));
}

TEST(GraphImageBuilder, NamesAStateOnTheEpsilonCycle) {
  // 0 -> 1 -> 2 -> 3 -> 2, 3 -> 4 -> 5: states 2 and 3 are the cycle, 4 and 5 only lie behind it.
  GraphImageBuilder builder({"<blk>"}, {""});
  const std::vector<std::vector<Arc>> states = {{{1}}, {{2}}, {{3}}, {{2}, {4}}, {{5}}, {}};
  for (const auto& arcs : states) builder.AddState(0, arcs);
  builder.SetStart(0);
  const std::string message = std::move(builder).Build().status().ToString();
  EXPECT_TRUE(message == "epsilon cycle through state 2" || message == "epsilon cycle through state 3")
      << message;
}

TEST(GraphImageBuilder, RefusesRanksBeyondTheHeader) {
  GraphImageBuilder builder({"<blk>"}, {""});
  for (uint32_t state = 0; state < 65537; ++state) {
    const Arc next{state + 1, 0, 0, 0, 0};
    builder.AddState(INFINITY, {&next, 1});
  }
  builder.AddState(0, {});
  builder.SetStart(0);
  EXPECT_THAT(std::move(builder).Build().status().ToString(), HasSubstr("epsilon ranks"));
}

class GraphFile : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WriteGraphImage(SmallGraph().Build().value(), path_).ok());
    bytes_ = FileBytes(path_);
  }
  /// Opens a file with these bytes; the message, or "ok".
  std::string OpenBytes(const std::string& bytes, bool verify_cells = false) {
    std::ofstream(path_, std::ios::binary) << bytes;
    const auto image = GraphImage::Open(path_, verify_cells);
    if (image.ok()) return "ok";
    const std::string message = image.status().ToString();
    EXPECT_THAT(message, HasSubstr(path_));
    EXPECT_EQ(message.find('\n'), std::string::npos);
    return message;
  }
  /// The file with a changed header field and a header checksum that fits again.
  std::string WithHeaderField(size_t offset, uint64_t value, size_t size) {
    std::string changed = bytes_;
    std::memcpy(changed.data() + offset, &value, size);
    constexpr size_t kChecksumOffset = 224;
    const uint64_t checksum = Xxh64(std::as_bytes(std::span(changed.data(), kChecksumOffset)));
    std::memcpy(changed.data() + kChecksumOffset, &checksum, sizeof checksum);
    return changed;
  }

  test::TemporaryFolder folder_;
  std::string path_ = folder_ / "graph.skg";
  std::string bytes_;
};

TEST_F(GraphFile, MissingFile) {
  const auto image = GraphImage::Open(folder_ / "none.skg");
  EXPECT_EQ(image.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(image.status().ToString(), HasSubstr("none.skg"));
}

TEST_F(GraphFile, EveryTruncationIsRefused) {
  for (size_t size = 0; size < bytes_.size(); size += size < 300 ? 1 : 997) {
    EXPECT_NE(OpenBytes(bytes_.substr(0, size)), "ok") << size;
  }
  EXPECT_THAT(OpenBytes(bytes_.substr(0, bytes_.size() - 1)), HasSubstr("bytes"));
  EXPECT_THAT(OpenBytes(bytes_ + "x"), HasSubstr("bytes"));
}

TEST_F(GraphFile, EveryBitFlipInHeaderAndSectionsIsFound) {
  std::mt19937_64 random(test::PropertySeed());
  std::vector<std::pair<uint64_t, uint64_t>> used = {{0, 232}};  // offset and size of what is not padding
  for (int section = 0; section < 6; ++section) {
    auto& [offset, size] = used.emplace_back();
    std::memcpy(&offset, bytes_.data() + 80 + 24 * section, 8);
    std::memcpy(&size, bytes_.data() + 88 + 24 * section, 8);
  }
  int flipped = 0;
  for (const auto& [offset, size] : used) {
    for (uint64_t at = offset; at < offset + size; ++at) {
      std::string damaged = bytes_;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
      EXPECT_NE(OpenBytes(damaged, true), "ok") << "byte " << at;
      ++flipped;
    }
  }
  EXPECT_GT(flipped, 250);
}

TEST_F(GraphFile, CellsAreCheckedOnRequest) {
  std::string damaged = bytes_;
  damaged[4096 + 20] ^= 1;  // first section: the cells
  EXPECT_EQ(OpenBytes(damaged, false), "ok");
  EXPECT_THAT(OpenBytes(damaged, true), HasSubstr("section \"cells\": checksum"));
}

TEST_F(GraphFile, WrongMagicVersionAndByteOrder) {
  EXPECT_THAT(OpenBytes(bytes_.substr(1)), HasSubstr("magic"));
  EXPECT_THAT(OpenBytes("text, renamed"), HasSubstr("not a Skald graph"));
  EXPECT_THAT(OpenBytes(WithHeaderField(8, 0x04030201, 4)), HasSubstr("big-endian"));
  EXPECT_THAT(OpenBytes(WithHeaderField(12, 3, 4)), HasSubstr("version 3"));
}

TEST_F(GraphFile, HeaderFieldsOutOfBoundsAreRefusedEvenWithAFittingChecksum) {
  const struct {
    size_t offset;
    uint64_t value;
    size_t size;
  } kCases[] = {
      {24, 0, 8},           // no states
      {24, 1 << 20, 8},     // more states than cells
      {32, ~0ull >> 1, 8},  // emitting arcs
      {48, 1 << 30, 8},     // cells
      {56, 1000, 4},        // start block
      {60, 70000, 4},       // units
      {64, 1000, 4},        // words
      {68, 65536, 4},       // epsilon rank
      {72, 0x7f800000, 4},  // smallest cost: infinity
      {76, 7, 4},           // sections
      {80, 4097, 8},        // offset not aligned
      {80, 1ull << 40, 8},  // offset behind the end
      {88, ~0ull, 8},       // size
      {104, 0, 8},          // second section over the first
  };
  for (const auto& test_case : kCases) {
    EXPECT_NE(OpenBytes(WithHeaderField(test_case.offset, test_case.value, test_case.size)), "ok")
        << "offset " << test_case.offset << " value " << test_case.value;
  }
}

TEST_F(GraphFile, StringOffsetsMustRise) {
  // Word offsets 0 0 2 3 become 0 9 2 3, with checksums that fit.
  std::string changed = bytes_;
  uint64_t offset = 0, size = 0;
  std::memcpy(&offset, bytes_.data() + 80 + 24, 8);
  std::memcpy(&size, bytes_.data() + 80 + 32, 8);
  changed[offset + 4] = 9;
  const uint64_t checksum = Xxh64(std::as_bytes(std::span(changed.data() + offset, size)));
  bytes_ = changed;
  EXPECT_THAT(OpenBytes(WithHeaderField(80 + 40, checksum, 8)), HasSubstr("offsets do not rise"));
}

}  // namespace
}  // namespace skald
