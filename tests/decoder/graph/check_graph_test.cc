#include "decoder/graph/check_graph.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "decoder/graph/random_model.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using ::testing::HasSubstr;
using Arc = GraphImageBuilder::Arc;

std::string Message(const GraphImage& image) {
  const auto report = CheckGraph(image);
  return report.ok() ? "ok" : report.status().ToString();
}

/// A graph file whose cells can be changed behind the checksum's back.
class DamagedCells : public ::testing::Test {
 protected:
  void SetUp() override {
    // Cells: 0 header, 1 A to state 1, 2 epsilon to state 2 (3 empty); 4 header, 5 B to 2; 6 final header (7
    // empty).
    GraphImageBuilder builder({"<blk>", "A", "B"}, {"", "W"});
    const Arc from_0[] = {{1, 1, 1, kArcWordStart, 1}, {2, 2, 0, 0, 0}};
    const Arc from_1[] = {{2, 3, 2, 0, 0}};
    builder.AddState(INFINITY, from_0);
    builder.AddState(INFINITY, from_1);
    builder.AddState(0, {});
    builder.SetStart(0);
    const GraphImage image = std::move(builder).Build().value();
    ASSERT_EQ(Message(image), "ok");
    ASSERT_TRUE(WriteGraphImage(image, path_).ok());
    bytes_ = ReadFile(path_).value();
  }

  /// What CheckGraph says after the bytes at `offset` of `cell` become `value`.
  template <typename Value>
  std::string After(uint32_t cell, size_t offset, Value value) {
    std::string damaged = bytes_;
    std::memcpy(damaged.data() + 4096 + cell * 16 + offset, &value, sizeof value);
    std::ofstream(path_, std::ios::binary) << damaged;
    return Message(GraphImage::Open(path_).value());
  }

  test::TemporaryFolder folder_;
  std::string path_ = folder_ / "graph.skg";
  std::string bytes_;
};

TEST_F(DamagedCells, EveryFieldIsChecked) {
  EXPECT_THAT(After(0, 0, uint32_t{100}), HasSubstr("state 0: arcs lie behind the last cell"));
  EXPECT_THAT(After(0, 0, uint32_t{2 | 1 << 20}), HasSubstr("state"));
  EXPECT_THAT(After(0, 0, uint32_t{2}), HasSubstr("not as recorded"));
  EXPECT_THAT(After(4, 8, uint32_t{7}), HasSubstr("state number"));
  EXPECT_THAT(After(6, 4, NAN), HasSubstr("final cost"));
  EXPECT_THAT(After(6, 4, -INFINITY), HasSubstr("final cost"));
  EXPECT_THAT(After(6, 4, INFINITY), HasSubstr("flags do not fit the state"));
  EXPECT_THAT(After(0, 14, uint16_t{0}), HasSubstr("flags do not fit the state"));
  EXPECT_THAT(After(6, 12, uint16_t{2}), HasSubstr("epsilon rank is wrong"));
  EXPECT_THAT(After(1, 0, uint32_t{5}), HasSubstr("cell 5, which is no state"));
  EXPECT_THAT(After(1, 0, ~uint32_t{0}), HasSubstr("which is no state"));
  EXPECT_THAT(After(1, 4, NAN), HasSubstr("not finite"));
  EXPECT_THAT(After(1, 4, 0.25f), HasSubstr("smallest arc cost"));
  EXPECT_THAT(After(1, 8, uint16_t{3}), HasSubstr("unit 3"));
  EXPECT_THAT(After(1, 8, uint16_t{0}), HasSubstr("epsilon arcs do not come last"));
  EXPECT_THAT(After(2, 8, uint16_t{1}), HasSubstr("epsilon arcs do not come last"));
  EXPECT_THAT(After(1, 10, uint16_t{3}), HasSubstr("flags do not fit the arc"));
  EXPECT_THAT(After(2, 10, uint16_t{1}), HasSubstr("flags do not fit the arc"));
  EXPECT_THAT(After(1, 12, uint32_t{2}), HasSubstr("word 2"));
  EXPECT_THAT(After(3, 0, uint8_t{1}), HasSubstr("not zero"));
  EXPECT_THAT(After(2, 0, uint32_t{0}), HasSubstr("epsilon cycle"));
  EXPECT_THAT(After(1, 0, uint32_t{6}), HasSubstr("state 1: cannot be reached"));
  EXPECT_THAT(After(5, 0, uint32_t{4}), HasSubstr("state 1: leads to no final state"));
}

TEST_F(DamagedCells, RandomDamageNeverCrashes) {
  std::mt19937_64 random(test::PropertySeed());
  for (int round = 0; round < 2000; ++round) {
    After(static_cast<uint32_t>(random() % 8), random() % 16, static_cast<uint8_t>(random()));
  }
}

TEST(CheckGraph, ReportsDegreesAndChains) {
  GraphImageBuilder builder({"<blk>", "A"}, {""});
  const Arc from_0[] = {{1, 1, 1, kArcWordStart, 0}, {2, -1, 1, kArcWordStart, 0}, {1, 4, 0, 0, 0}};
  const Arc from_1[] = {{2, 0, 0, 0, 0}};
  builder.AddState(INFINITY, from_0);
  builder.AddState(INFINITY, from_1);
  builder.AddState(0, {});
  builder.SetStart(0);
  const GraphReport report = CheckGraph(std::move(builder).Build().value()).value();
  EXPECT_EQ(report.longest_epsilon_chain, 2u);
  EXPECT_EQ(report.final_states, 1u);
  EXPECT_EQ(report.max_emitting_arcs, 2u);
  EXPECT_EQ(report.degree_histogram[0], 2u);
  EXPECT_EQ(report.degree_histogram[2], 1u);
  EXPECT_EQ(report.min_cost, -1);
  EXPECT_EQ(report.max_cost, 4);
  EXPECT_THAT(report.ToString(), HasSubstr("states by emitting arcs: 0: 2; 2-3: 1;"));
}

TEST(CheckGraphPaths, FindsWrongCostsWordsAndUnits) {
  std::mt19937_64 random(11);
  const auto words = test::RandomWords(random, 12);
  const ArpaModel model = ArpaModel::Parse(test::RandomArpa(random, words, 3)).value();
  const Lexicon lexicon =
      Lexicon::FromCharacters({"<blk>", "|", "A", "N", "T", "S", "E", "'"}, words).value();
  const GraphImage image = BuildGraph(model, lexicon, {}).value();
  ASSERT_TRUE(CheckGraphPaths(image, model, lexicon, {}, 1, 200).ok());

  // Other sources than the graph's own.
  GraphOptions other;
  other.language_model_weight = 1.01;
  EXPECT_THAT(CheckGraphPaths(image, model, lexicon, other, 1, 200).status().ToString(),
              HasSubstr("the sources say"));
  const Lexicon renamed =
      Lexicon::FromCharacters({"<blk>", "|", "N", "A", "T", "S", "E", "'"}, words).value();
  EXPECT_FALSE(CheckGraphPaths(image, model, renamed, {}, 1, 200).ok());
  const Lexicon fewer = Lexicon::FromCharacters(lexicon.units(), std::span(words).first(5)).value();
  EXPECT_THAT(CheckGraphPaths(image, model, fewer, {}, 1, 200).status().ToString(),
              HasSubstr("is not in model"));

  // One arc of the image, off by a little.
  test::TemporaryFolder folder;
  ASSERT_TRUE(WriteGraphImage(image, folder / "a").ok());
  std::string bytes = ReadFile(folder / "a").value();
  const uint32_t arc_cell = image.info().start_block + 1;
  const float cost = image.arc(arc_cell).cost + 0.01f;
  std::memcpy(bytes.data() + 4096 + arc_cell * 16 + 4, &cost, sizeof cost);
  ASSERT_TRUE(WriteFileAtomically(folder / "a", bytes).ok());
  const GraphImage changed = GraphImage::Open(folder / "a").value();
  EXPECT_FALSE(CheckGraphPaths(changed, model, lexicon, {}, 1, 2000).ok());
}

}  // namespace
}  // namespace skald
