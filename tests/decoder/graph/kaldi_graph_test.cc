// Graphs of Kaldi as images: the same paths at the same costs.
#include "decoder/graph/kaldi_graph.h"

#include <cmath>
#include <cstring>
#include <deque>
#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <tuple>

#include "base/file.h"
#include "decoder/graph/check_graph.h"
#include "decoder/graph/fst_file.h"
#include "lookahead_pair.h"
#include "support/raw_bytes.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

using test::Raw;

/// Bytes of a "vector" FST with the arcs of each state.
std::string VectorFst(const std::vector<std::pair<float, std::vector<FstArc>>>& states) {
  const auto text = [](const std::string& word) { return Raw(static_cast<int32_t>(word.size())) + word; };
  std::string bytes = Raw(int32_t{2125659606}) + text("vector") + text("standard") + Raw(int32_t{2}) +
                      Raw(int32_t{0}) + Raw(uint64_t{0}) + Raw(int64_t{0}) +
                      Raw(static_cast<int64_t>(states.size())) + Raw(int64_t{0});
  for (const auto& [final_cost, arcs] : states) {
    bytes += Raw(final_cost) + Raw(static_cast<int64_t>(arcs.size()));
    for (const FstArc& arc : arcs) bytes += Raw(arc);
  }
  return bytes;
}

/// Least cost of all paths of the image with these units and words; +infinity where there is none.
double LeastCost(const GraphImage& image, const std::vector<int32_t>& units,
                 const std::vector<int32_t>& words) {
  using Place = std::tuple<size_t, size_t, uint32_t>;
  std::map<Place, double> cost{{{0, 0, image.info().start_block}, 0.0}};
  std::deque<Place> open{{0, 0, image.info().start_block}};
  double best = std::numeric_limits<double>::infinity();
  while (!open.empty()) {
    const auto [unit, word, block] = open.front();
    open.pop_front();
    const double so_far = cost.at({unit, word, block});
    if (unit == units.size() && word == words.size())
      best = std::min(best, so_far + image.header(block).final_cost);
    const auto follow = [&](const GraphArc& arc, size_t next_unit) {
      const bool has_word = arc.word != 0;
      if (has_word && (word == words.size() || static_cast<uint32_t>(words[word]) != arc.word)) return;
      const Place next{next_unit, word + (has_word ? 1 : 0), arc.next_block};
      const auto [found, is_new] = cost.try_emplace(next, std::numeric_limits<double>::infinity());
      if (so_far + arc.cost >= found->second - 1e-9) return;
      found->second = so_far + arc.cost;
      open.push_back(next);
    };
    for (const GraphArc& arc : image.epsilon_arcs(block)) follow(arc, unit);
    if (unit == units.size()) continue;
    for (const GraphArc& arc : image.emitting_arcs(block)) {
      if (arc.unit == units[unit]) follow(arc, unit + 1);
    }
  }
  return best;
}

class KaldiGraphTest : public ::testing::Test {
 protected:
  /// Sources of a graph of `inputs` transition-ids, each with a column of its own.
  KaldiGraphSources Sources(int inputs, int words) {
    KaldiGraphSources sources;
    sources.labels.resize(static_cast<size_t>(inputs) + 1);
    sources.units = {"<silence>"};
    for (int input = 1; input <= inputs; ++input) {
      sources.labels[static_cast<size_t>(input)].unit = static_cast<uint16_t>(input);
      sources.units.push_back("pdf-" + std::to_string(input - 1));
    }
    std::string text = "<eps> 0\n";
    for (int word = 1; word <= words; ++word)
      text += "w" + std::to_string(word) + " " + std::to_string(word) + "\n";
    sources.words_path = folder_ / "words.txt";
    EXPECT_TRUE(WriteFileAtomically(sources.words_path, text).ok());
    return sources;
  }
  KaldiGraphSources WithHclg(KaldiGraphSources sources, const std::string& bytes) {
    sources.hclg_path = folder_ / "HCLG.fst";
    EXPECT_TRUE(WriteFileAtomically(sources.hclg_path, bytes).ok());
    return sources;
  }
  test::TemporaryFolder folder_;
};

constexpr float kNotFinal = std::numeric_limits<float>::infinity();

TEST_F(KaldiGraphTest, LabelsBecomeColumnsAndFlags) {
  KaldiGraphSources sources = Sources(2, 2);
  sources.labels[1] = {2, kArcWordStart};
  sources.labels[2] = {1, kArcWordSeparator};
  const auto image =
      BuildKaldiGraph(WithHclg(sources, VectorFst({{kNotFinal, {{1, 2, 0.5f, 1}, {0, 1, 0.25f, 1}}},
                                                   {1.0f, {{2, 0, 0.75f, 1}, {1, 0, 0, 2}}},
                                                   {kNotFinal, {}}})));
  ASSERT_TRUE(image.ok()) << image.status().ToString();
  EXPECT_TRUE(CheckGraph(*image).ok());
  EXPECT_TRUE(image->info().explicit_topology);
  EXPECT_EQ(image->info().state_count, 2u);  // the one that leads nowhere is left out
  const uint32_t start = image->info().start_block;
  ASSERT_EQ(image->emitting_arcs(start).size(), 1u);
  EXPECT_EQ(image->emitting_arcs(start)[0].unit, 2);
  EXPECT_EQ(image->emitting_arcs(start)[0].flags, kArcWordStart);
  EXPECT_EQ(image->word(image->emitting_arcs(start)[0].word), "w2");
  ASSERT_EQ(image->epsilon_arcs(start).size(), 1u);
  EXPECT_EQ(image->epsilon_arcs(start)[0].word, 1u);
  EXPECT_EQ(LeastCost(*image, {2, 1, 1}, {2}), 0.5 + 2 * 0.75 + 1);
  // What is written and read again is the same.
  ASSERT_TRUE(WriteGraphImage(*image, folder_ / "g.skg").ok());
  const GraphImage read = GraphImage::Open(folder_ / "g.skg", true).value();
  EXPECT_TRUE(read.info().explicit_topology);
  EXPECT_EQ(read.content_hash(), image->content_hash());
}

TEST_F(KaldiGraphTest, ManyEpsilonArcsAreSpread) {
  const int words = 10000;
  std::vector<FstArc> arcs;
  for (int word = 1; word <= words; ++word) arcs.push_back({0, word, 0.001f * static_cast<float>(word), 1});
  const auto image = BuildKaldiGraph(
      WithHclg(Sources(1, words), VectorFst({{kNotFinal, arcs}, {kNotFinal, {{1, 0, 1, 2}}}, {0, {}}})));
  ASSERT_TRUE(image.ok()) << image.status().ToString();
  EXPECT_TRUE(CheckGraph(*image).ok());
  for (const int word : {1, 4095, 4096, 9999})
    EXPECT_NEAR(LeastCost(*image, {1}, {word}), 1 + 0.001 * word, 1e-5);
}

TEST_F(KaldiGraphTest, WhatIsWrongIsNamed) {
  const auto reason = [&](const std::string& bytes) {
    const auto image = BuildKaldiGraph(WithHclg(Sources(2, 2), bytes));
    EXPECT_FALSE(image.ok());
    EXPECT_EQ(image.status().file(), folder_ / "HCLG.fst");
    return image.status().ToString();
  };
  EXPECT_NE(
      reason(VectorFst({{0, {{3, 0, 0, 0}}}})).find("state 0: an arc has transition-id 3, the model has 2"),
      std::string::npos);
  EXPECT_NE(reason(VectorFst({{0, {{1, 3, 0, 0}}}})).find("an arc has word 3, the word table has 3"),
            std::string::npos);
  EXPECT_NE(reason(VectorFst({{kNotFinal, {{1, 0, 0, 0}}}})).find("no path of the graph ends"),
            std::string::npos);
  EXPECT_NE(reason(VectorFst({{0, {{0, 1, 0, 1}}}, {0, {{0, 0, 0, 0}}}})).find("epsilon cycle"),
            std::string::npos);
  KaldiGraphSources sources = WithHclg(Sources(1, 1), VectorFst({{0, {{1, 1, 0, 0}}}}));
  sources.words_path.clear();
  EXPECT_EQ(BuildKaldiGraph(sources).status().code(), StatusCode::kNotFound);
}

TEST_F(KaldiGraphTest, PairsForLookaheadKeepPathsAndCosts) {
  const uint64_t seed = test::PropertySeed();
  int compared = 0;
  for (uint64_t round = 0; round < 10; ++round) {
    const std::string lexicon = folder_ / "HCLr.fst", grammar = folder_ / "Gr.fst";
    const test::LookaheadPair pair = test::WriteLookaheadPair(seed + round, lexicon, grammar);
    KaldiGraphSources sources = Sources(pair.inputs, pair.words);
    sources.lexicon_path = lexicon;
    sources.grammar_path = grammar;
    sources.disambiguation = pair.disambiguation;
    const auto image = BuildKaldiGraph(sources);
    ASSERT_TRUE(image.ok()) << image.status().ToString();
    const auto report = CheckGraph(*image);
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    for (const auto& path : pair.paths) {
      EXPECT_NEAR(LeastCost(*image, path.inputs, path.words), path.cost, test::kLookaheadCostAbs);
      ++compared;
    }
  }
  EXPECT_GT(compared, 20);
}

TEST_F(KaldiGraphTest, BadPairsAreRefused) {
  const std::string lexicon = folder_ / "HCLr.fst", grammar = folder_ / "Gr.fst";
  const test::LookaheadPair pair = test::WriteLookaheadPair(1, lexicon, grammar);
  KaldiGraphSources sources = Sources(pair.inputs, pair.words);
  sources.lexicon_path = lexicon;
  sources.grammar_path = grammar;
  sources.disambiguation = pair.disambiguation;
  const std::string good = ReadFile(lexicon).value();
  for (const size_t size : {size_t{0}, size_t{50}, good.size() / 3}) {
    ASSERT_TRUE(WriteFileAtomically(lexicon, good.substr(0, size)).ok());
    EXPECT_EQ(BuildKaldiGraph(sources).status().code(), StatusCode::kCorrupt);
  }
  ASSERT_TRUE(WriteFileAtomically(lexicon, good).ok());
  ASSERT_TRUE(WriteFileAtomically(grammar, "nothing of a grammar").ok());
  EXPECT_EQ(BuildKaldiGraph(sources).status().file(), grammar);
  std::swap(sources.lexicon_path, sources.grammar_path);
  EXPECT_FALSE(BuildKaldiGraph(sources).ok());
}

}  // namespace
}  // namespace skald
