#include "engine/segment_describer.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "decoder/lattice/nbest.h"
#include "engine/segment_search.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

constexpr FrameClock kClock{10.0, 0.02};
constexpr int64_t kFirstFrame = 100;

/// A loop over four words of one unit each.
GraphImage FourWords() {
  GraphImageBuilder builder({"<blk>", "a", "b", "c", "d"}, {"", "ALPHA", "BETA", "GAMMA", "DELTA"});
  std::vector<GraphImageBuilder::Arc> arcs;
  for (uint16_t unit = 1; unit <= 4; ++unit) arcs.push_back({0, 0.5f, unit, kArcWordStart, unit});
  builder.AddState(0.0f, arcs);
  builder.SetStart(0);
  return std::move(builder).Build().value();
}

RawLattice RandomLattice(const GraphImage& graph, int frames, std::mt19937_64& random) {
  std::exponential_distribution<float> nll(0.5f);
  ScoreMatrix scores(frames, 5);
  for (float& score : scores.nll) score = nll(random);
  ScoreSegment segment;
  segment.pieces.push_back(MakeHostScores(std::move(scores)));
  SearchOptions options;
  options.beam = 40;
  options.lattice_beam = 5;
  SegmentSearch search(graph, options);
  return search.Search(segment).value();
}

DescriptionOptions Viterbi() {
  DescriptionOptions options;
  options.word_rule = WordRule::kViterbi;
  return options;
}

std::vector<std::string> Split(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

int EditDistance(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<int> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = std::exchange(row[0], static_cast<int>(i));
    for (size_t j = 1; j <= b.size(); ++j) {
      const int match = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({match, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

/// Expected word errors of `text` over `paths`, which weigh exp(-scale * cost).
double ExpectedErrors(const std::string& text, const std::vector<Alternative>& paths, double scale) {
  double sum = 0, weights = 0;
  for (const Alternative& path : paths) {
    const double weight = std::exp(-scale * (path.cost - paths[0].cost));
    weights += weight;
    sum += weight * EditDistance(Split(text), Split(path.text));
  }
  return sum / weights;
}

void ExpectSoundTimes(const Segment& segment, int frames) {
  double start_s = kClock.Seconds(kFirstFrame);
  const double end_s = kClock.Seconds(kFirstFrame + frames);
  std::string text;
  for (const Word& word : segment.words) {
    EXPECT_GE(word.start_s, start_s);
    EXPECT_GE(word.end_s, word.start_s);
    EXPECT_LE(word.end_s, end_s);
    EXPECT_GE(word.confidence, 0);
    EXPECT_LE(word.confidence, 1);
    start_s = word.start_s;
    text += (text.empty() ? "" : " ") + word.text;
  }
  EXPECT_EQ(segment.text, text);
}

TEST(SegmentDescriber, AlternativesHaveTheirShareOfProbability) {
  std::mt19937_64 random(test::PropertySeed());
  const GraphImage graph = FourWords();
  for (const WordRule rule : {WordRule::kMbr, WordRule::kViterbi}) {
    for (int round = 0; round < 50; ++round) {
      DescriptionOptions options;
      options.word_rule = rule;
      options.nbest = 10;
      const RawLattice raw = RandomLattice(graph, 1, random);  // one frame: one word or none
      const Segment plain = SegmentDescriber(graph, options).Describe(raw, kFirstFrame, kClock);
      options.alternatives = 10;
      const Segment segment = SegmentDescriber(graph, options).Describe(raw, kFirstFrame, kClock);
      EXPECT_EQ(segment.text, plain.text);
      if (segment.words.empty()) continue;
      ASSERT_EQ(segment.words.size(), 1u);
      EXPECT_TRUE(plain.words[0].alternatives.empty());
      double all = 0;
      std::map<std::string, double> shares;
      for (const Alternative& string : segment.nbest) {
        const double weight = std::exp(-options.mbr_scale * (string.cost - segment.nbest[0].cost));
        all += weight;
        if (string.text != segment.text) shares[string.text] = weight;
      }
      std::erase_if(shares, [&](const auto& share) { return share.second < 0.001 * all; });
      ASSERT_EQ(segment.words[0].alternatives.size(), shares.size());
      double before = 1;
      for (const WordAlternative& other : segment.words[0].alternatives) {
        EXPECT_NEAR(other.posterior, shares.at(other.text) / all, test::kPosteriorSumAbs) << other.text;
        EXPECT_LE(other.posterior, before);
        before = other.posterior;
      }
      options.alternatives = 1;
      const Segment likeliest = SegmentDescriber(graph, options).Describe(raw, kFirstFrame, kClock);
      EXPECT_EQ(likeliest.words[0].alternatives.size(), std::min<size_t>(1, shares.size()));
    }
  }
}

TEST(SegmentDescriber, ViterbiWordsAreThoseOfTheBestPath) {
  std::mt19937_64 random(test::PropertySeed());
  const GraphImage graph = FourWords();
  for (int round = 0; round < 50; ++round) {
    const RawLattice raw = RandomLattice(graph, 6, random);
    const Segment segment = SegmentDescriber(graph, Viterbi()).Describe(raw, kFirstFrame, kClock);
    const BestPathResult path = BestPath(raw);
    ASSERT_EQ(segment.words.size(), path.words.size());
    for (size_t i = 0; i < path.words.size(); ++i) {
      EXPECT_EQ(segment.words[i].text, graph.word(path.words[i].word));
      EXPECT_EQ(segment.words[i].start_s, kClock.Seconds(kFirstFrame + path.words[i].start_frame));
    }
    ExpectSoundTimes(segment, 6);
    EXPECT_TRUE(segment.nbest.empty());
    EXPECT_FLOAT_EQ(static_cast<float>(segment.effective_lattice_beam), 5);
  }
}

TEST(SegmentDescriber, NbestListsDifferentTextsByExactCost) {
  std::mt19937_64 random(test::PropertySeed());
  const GraphImage graph = FourWords();
  DescriptionOptions options = Viterbi();
  options.nbest = 20;
  const SegmentDescriber describer(graph, options);
  for (int round = 0; round < 50; ++round) {
    const RawLattice raw = RandomLattice(graph, 6, random);
    const Segment segment = describer.Describe(raw, kFirstFrame, kClock);
    const size_t all = NBest(DeterminizeWords(raw), 100000).size();
    ASSERT_EQ(segment.nbest.size(), std::min<size_t>(20, all));
    EXPECT_EQ(segment.nbest[0].text, segment.text);
    EXPECT_NEAR(segment.nbest[0].cost, BestPath(raw).cost, test::kPathCostAbs);
    std::set<std::string> texts;
    for (size_t i = 0; i < segment.nbest.size(); ++i) {
      EXPECT_TRUE(texts.insert(segment.nbest[i].text).second) << segment.nbest[i].text;
      if (i > 0) {
        EXPECT_LE(segment.nbest[i - 1].cost, segment.nbest[i].cost);
      }
    }
  }
}

TEST(SegmentDescriber, MbrNeverExpectsMoreErrorsThanTheBestPathAndSometimesFewer) {
  std::mt19937_64 random(test::PropertySeed());
  const GraphImage graph = FourWords();
  DescriptionOptions options = Viterbi();
  options.nbest = 10000;
  const SegmentDescriber viterbi(graph, options);
  options.word_rule = WordRule::kMbr;
  options.mbr_scale = 0.5;
  const SegmentDescriber mbr(graph, options);
  int better = 0;
  for (int round = 0; round < 50; ++round) {
    const RawLattice raw = RandomLattice(graph, 5, random);
    const Segment best = viterbi.Describe(raw, kFirstFrame, kClock);
    const Segment segment = mbr.Describe(raw, kFirstFrame, kClock);
    ExpectSoundTimes(segment, 5);
    const double expected_best = ExpectedErrors(best.text, best.nbest, options.mbr_scale);
    const double expected = ExpectedErrors(segment.text, segment.nbest, options.mbr_scale);
    // The recursion bounds the expectation from above, so a change may cost a little.
    EXPECT_LE(expected, expected_best + 0.05) << "round " << round;
    better += expected < expected_best - 1e-3 ? 1 : 0;
  }
  EXPECT_GT(better, 0);
}

TEST(SegmentDescriber, SegmentsTooLongForMbrGetTheBestPath) {
  std::mt19937_64 random(test::PropertySeed());
  const GraphImage graph = FourWords();
  DescriptionOptions options;
  options.word_rule = WordRule::kMbr;
  options.mbr_scale = 0.3;
  options.max_mbr_cells = 1;
  for (int round = 0; round < 20; ++round) {
    const RawLattice raw = RandomLattice(graph, 6, random);
    const Segment segment = SegmentDescriber(graph, options).Describe(raw, kFirstFrame, kClock);
    const Segment best = SegmentDescriber(graph, Viterbi()).Describe(raw, kFirstFrame, kClock);
    EXPECT_EQ(segment.text, best.text);
    ASSERT_EQ(segment.words.size(), best.words.size());
    for (size_t i = 0; i < best.words.size(); ++i) {
      EXPECT_EQ(segment.words[i].start_s, best.words[i].start_s);
      EXPECT_EQ(segment.words[i].confidence, best.words[i].confidence);
    }
  }
}

TEST(SegmentDescriber, ConfidencesAreCalibrated) {
  std::mt19937_64 random(test::PropertySeed());
  const GraphImage graph = FourWords();
  DescriptionOptions options = Viterbi();
  options.confidence_map = ConfidenceMap::Create({{0, 0.25}, {1, 0.75}}).value();
  const RawLattice raw = RandomLattice(graph, 6, random);
  const Segment plain = SegmentDescriber(graph, Viterbi()).Describe(raw, kFirstFrame, kClock);
  const Segment calibrated = SegmentDescriber(graph, options).Describe(raw, kFirstFrame, kClock);
  ASSERT_EQ(plain.words.size(), calibrated.words.size());
  for (size_t i = 0; i < plain.words.size(); ++i) {
    EXPECT_DOUBLE_EQ(calibrated.words[i].confidence, 0.25 + plain.words[i].confidence / 2);
  }
}

/// Makes every BETA dear.
class NoBeta : public LatticeRescorer {
 public:
  WordLattice Rescore(const RawLattice&, WordLattice words) const override {
    for (WordLatticeArc& arc : words.arcs) {
      if (arc.word == 2) arc.graph_cost += 100;
    }
    return words;
  }
};

TEST(SegmentDescriber, ReadsEverythingFromTheRescoredLattice) {
  std::mt19937_64 random(test::PropertySeed());
  const GraphImage graph = FourWords();
  const NoBeta rescorer;
  int changed = 0;
  for (const WordRule rule : {WordRule::kViterbi, WordRule::kMbr}) {
    DescriptionOptions options;
    options.word_rule = rule;
    const SegmentDescriber plain(graph, options);
    options.nbest = 1;
    const SegmentDescriber rescored(graph, options, &rescorer);
    for (int round = 0; round < 50; ++round) {
      const RawLattice raw = RandomLattice(graph, 6, random);
      const Segment segment = rescored.Describe(raw, kFirstFrame, kClock);
      ExpectSoundTimes(segment, 6);
      if (segment.nbest[0].text.find("BETA") != std::string::npos) continue;  // no way around it
      EXPECT_EQ(segment.text.find("BETA"), std::string::npos);
      const Segment before = plain.Describe(raw, kFirstFrame, kClock);
      changed += before.text.find("BETA") != std::string::npos ? 1 : 0;
    }
  }
  EXPECT_GT(changed, 0);
}

TEST(SegmentDescriber, GraphCostsWeighAsAskedInWordsButNotInWrittenLattices) {
  const GraphImage graph = FourWords();
  std::mt19937_64 random(test::PropertySeed());
  int changed = 0;
  for (int round = 0; round < 30; ++round) {
    const RawLattice raw = RandomLattice(graph, 12, random);
    DescriptionOptions options = Viterbi();
    options.nbest = 50;
    options.lattice_type = LatticeType::kOpenFst;
    const Segment as_it_is = SegmentDescriber(graph, options).Describe(raw, kFirstFrame, kClock);
    options.graph_scale = 0.2;
    const Segment scaled = SegmentDescriber(graph, options).Describe(raw, kFirstFrame, kClock);

    std::map<std::string, double> costs;  // of every text
    WordLattice words = DeterminizeWords(raw);
    for (const WordPath& path : NBest(words, 1'000'000)) {
      std::string text;
      double cost = 0;
      for (const uint32_t a : path.arcs) {
        const WordLatticeArc& arc = words.arcs[a];
        text += (text.empty() ? "" : " ") + std::string(graph.word(arc.word));
        cost += 0.2 * arc.graph_cost + arc.acoustic_cost;
      }
      const WordLatticeNode& end =
          words.nodes[path.arcs.empty() ? 0 : words.arcs[path.arcs.back()].destination];
      costs[text] = cost + 0.2 * end.final_graph_cost + end.final_acoustic_cost;
    }
    const auto best = std::min_element(costs.begin(), costs.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    EXPECT_EQ(scaled.text, best->first);
    for (const Alternative& path : scaled.nbest)
      EXPECT_NEAR(path.cost, costs.at(path.text), 1e-6) << path.text;
    EXPECT_EQ(scaled.lattice.body, as_it_is.lattice.body);
    ExpectSoundTimes(scaled, 12);
    changed += scaled.text != as_it_is.text;
  }
  EXPECT_GT(changed, 0);
}

TEST(SegmentDescriber, OptionsOutOfRangeAreNamed) {
  DescriptionOptions options;
  options.mbr_scale = 0;
  EXPECT_NE(options.Validate().ToString().find("mbr_scale"), std::string::npos);
  options = {};
  options.nbest = -1;
  EXPECT_NE(options.Validate().ToString().find("nbest"), std::string::npos);
}

}  // namespace
}  // namespace skald
