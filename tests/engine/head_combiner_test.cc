#include "engine/head_combiner.h"

#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <random>

#include "decoder/lattice/nbest.h"
#include "engine/combiner.h"
#include "engine/segment_search.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald::test {
namespace {

constexpr FrameClock kClock{10.0, 0.04};
constexpr int64_t kFirstFrame = 100;
const SearchOptions kSearch = [] {
  SearchOptions options;
  options.beam = 40;
  options.lattice_beam = 6;
  return options;
}();

/// A loop over words of one unit each.
GraphImage Loop(const std::vector<std::string>& words) {
  std::vector<std::string> units = {"<blk>"}, table = {""};
  std::vector<GraphImageBuilder::Arc> arcs;
  for (size_t i = 0; i < words.size(); ++i) {
    units.push_back("u" + std::to_string(i));
    table.push_back(words[i]);
    const auto number = static_cast<uint16_t>(i + 1);
    arcs.push_back({0, 0.5f, number, kArcWordStart, number});
  }
  GraphImageBuilder builder(units, table);
  builder.AddState(0.0f, arcs);
  builder.SetStart(0);
  return std::move(builder).Build().value();
}

/// Two heads with word tables of their own, and random scores of both side by side.
const ConfidenceMap kMap = ConfidenceMap::Create({{0, 0.25}, {1, 0.75}}).value();

class HeadCombinerTest : public ::testing::Test {
 protected:
  std::vector<RawLattice> RandomLattices(int64_t frames) {
    std::exponential_distribution<float> nll(0.5f);
    ScoreMatrix scores(frames, 5 + 4);
    for (float& score : scores.nll) score = nll(random_);
    ScoreSegment segment;
    segment.pieces.push_back(MakeHostScores(std::move(scores)));
    std::vector<RawLattice> lattices;
    for (const CombinedHead& head : heads_) {
      SegmentSearch search(head.graph, head.search, head.boost, head.first_column);
      lattices.push_back(search.Search(segment).value());
    }
    return lattices;
  }

  /// The same combination by CombineSystems: all paths of both lattices, none moved in time.
  std::vector<Word> Expected(const std::vector<RawLattice>& lattices,
                             const DescriptionOptions& options) const {
    std::vector<CombinedSystem> systems;
    CombinerOptions combiner;
    combiner.move_times = false;
    combiner.pause_s = 1000;
    for (size_t k = 0; k < heads_.size(); ++k) {
      CombinedSystem system;
      for (uint32_t w = 0; w < heads_[k].graph.word_count(); ++w)
        system.word_table.emplace_back(heads_[k].graph.word(w));
      SystemSegment segment{"talk", 0, kClock.Seconds(kFirstFrame), kClock.frame_shift_s, {}, {}};
      segment.lattice = DeterminizeWords(lattices[k]);
      system.segments.push_back(std::move(segment));
      systems.push_back(std::move(system));
      combiner.weights.push_back(heads_[k].weight);
      combiner.lattice_scales.push_back(options.mbr_scale);
    }
    const Combination combination = CombineSystems(systems, combiner).value();
    if (combination.transcripts.at(0).segments.empty()) return {};
    return combination.transcripts[0].segments.at(0).words;
  }

  std::mt19937_64 random_{PropertySeed()};
  const GraphImage first_ = Loop({"ALPHA", "BETA", "GAMMA", "DELTA"}),
                   second_ = Loop({"DELTA", "EPSILON", "ALPHA"});
  std::vector<CombinedHead> heads_ = {{first_, kSearch, nullptr, nullptr, 0, 2.0},
                                      {second_, kSearch, nullptr, nullptr, 5, 1.0}};
};

TEST_F(HeadCombinerTest, SaysWhatCombiningTheSystemsSays) {
  DescriptionOptions options;
  options.confidence_map = kMap;
  for (int round = 0; round < 50; ++round) {
    const std::vector<RawLattice> lattices = RandomLattices(1 + static_cast<int64_t>(random_() % 8));
    const std::vector<Word> expected = Expected(lattices, options);
    const Segment segment = HeadCombiner(heads_, options).Describe(lattices, kFirstFrame, kClock);
    ASSERT_EQ(segment.words.size(), expected.size());
    std::string text;
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(segment.words[i].text, expected[i].text);
      EXPECT_NEAR(segment.words[i].start_s, expected[i].start_s, kPosteriorSumAbs);
      EXPECT_NEAR(segment.words[i].confidence, kMap(expected[i].confidence), kPosteriorSumAbs);
      EXPECT_TRUE(segment.words[i].alternatives.empty());
      text += (i == 0 ? "" : " ") + expected[i].text;
    }
    EXPECT_EQ(segment.text, text);
    EXPECT_TRUE(segment.nbest.empty());
  }
}

TEST_F(HeadCombinerTest, AHeadOfWeightZeroSaysNothing) {
  DescriptionOptions options;
  heads_[1].weight = 0;
  for (int round = 0; round < 20; ++round) {
    const std::vector<RawLattice> lattices = RandomLattices(6);
    const Segment described = SegmentDescriber(first_, options).Describe(lattices[0], kFirstFrame, kClock);
    const Segment alone = HeadCombiner(std::span(heads_).first(1), options)
                              .Describe(std::span(lattices).first(1), kFirstFrame, kClock);
    const Segment segment = HeadCombiner(heads_, options).Describe(lattices, kFirstFrame, kClock);
    EXPECT_EQ(segment.text, described.text);
    ASSERT_EQ(segment.words.size(), described.words.size());
    for (size_t i = 0; i < described.words.size(); ++i) {
      EXPECT_NEAR(segment.words[i].start_s, described.words[i].start_s, 0.001);
    }
    EXPECT_EQ(segment.text, alone.text);
    ASSERT_EQ(segment.words.size(), alone.words.size());
    for (size_t i = 0; i < alone.words.size(); ++i) {
      EXPECT_NEAR(segment.words[i].start_s, alone.words[i].start_s, 0.001);
      EXPECT_NEAR(segment.words[i].end_s, alone.words[i].end_s, 0.001);
      EXPECT_NEAR(segment.words[i].confidence, alone.words[i].confidence, kPosteriorSumAbs);
    }
  }
}

TEST_F(HeadCombinerTest, StringsAndAlternativesHaveTheirShareOfBothHeads) {
  DescriptionOptions options;
  options.nbest = 20;
  options.alternatives = 20;
  for (int round = 0; round < 50; ++round) {
    const std::vector<RawLattice> lattices = RandomLattices(1);  // of a word or none
    std::map<std::string, double> shares;
    for (size_t k = 0; k < 2; ++k) {
      const WordLattice words = DeterminizeWords(lattices[k]);
      std::map<std::string, double> of_head;
      double sum = 0;
      for (const WordPath& path : NBest(words, 100)) {
        const double weight = std::exp(-options.mbr_scale * path.cost);
        const std::string text =
            path.arcs.empty() ? "" : std::string(heads_[k].graph.word(words.arcs[path.arcs[0]].word));
        of_head[text] += weight;
        sum += weight;
      }
      for (const auto& [text, weight] : of_head) shares[text] += heads_[k].weight / 3 * weight / sum;
    }
    const Segment segment = HeadCombiner(heads_, options).Describe(lattices, kFirstFrame, kClock);
    ASSERT_EQ(segment.nbest.size(), shares.size());
    double before = 0;
    for (const Alternative& string : segment.nbest) {
      EXPECT_NEAR(std::exp(-string.cost), shares.at(string.text), kPosteriorSumAbs);
      EXPECT_GE(string.cost, before);
      before = string.cost;
    }
    EXPECT_EQ(segment.text, segment.nbest[0].text);
    if (segment.words.empty()) continue;
    EXPECT_NEAR(segment.words[0].confidence, shares.at(segment.text), kPosteriorSumAbs);
    for (const WordAlternative& other : segment.words[0].alternatives) {
      EXPECT_NE(other.text, segment.text);
      EXPECT_NEAR(other.posterior, shares.at(other.text), kPosteriorSumAbs);
    }
    options.nbest = 1;
    EXPECT_EQ(HeadCombiner(heads_, options).Describe(lattices, kFirstFrame, kClock).nbest.size(), 1u);
    options.nbest = 20;
  }
}

TEST_F(HeadCombinerTest, LongSegmentsGetTheWordsOfTheFirstHead) {
  DescriptionOptions options;
  options.max_mbr_cells = 1;
  heads_[0].confidence_map = kMap;
  const std::vector<RawLattice> lattices = RandomLattices(8);
  const Segment segment = HeadCombiner(heads_, options).Describe(lattices, kFirstFrame, kClock);
  options.confidence_map = kMap;
  const Segment expected = SegmentDescriber(first_, options).Describe(lattices[0], kFirstFrame, kClock);
  EXPECT_EQ(segment.text, expected.text);
  EXPECT_EQ(segment.confidence, expected.confidence);
}

}  // namespace
}  // namespace skald::test
