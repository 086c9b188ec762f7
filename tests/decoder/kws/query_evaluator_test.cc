#include "decoder/kws/query_evaluator.h"

#include <functional>
#include <gtest/gtest.h>
#include <map>

#include "decoder/kws/index_segment_writer.h"
#include "decoder/kws/probability_code.h"
#include "random_posterior_lattice.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald::test {
namespace {

constexpr uint32_t kWords = 5;
constexpr double kFrameShiftS = 0.02;

struct Expected {
  size_t utterance;
  double start_s, end_s, score;
};

/// Groups of alternatives as occurrences.h defines them, the slow way.
std::vector<Occurrence> Groups(std::map<std::pair<int32_t, int32_t>, double> spans) {
  std::vector<Occurrence> groups;
  std::vector<Occurrence> open;
  const auto close = [&] {
    if (open.empty()) return;
    Occurrence best = open[0];
    double sum = 0;
    for (const Occurrence& o : open) {
      sum += o.probability;
      if (o.probability > best.probability) best = o;
    }
    groups.push_back({best.start_frame, best.end_frame, std::min(1.0, sum)});
    open.clear();
  };
  for (const auto& [span, probability] : spans) {
    const auto best = std::max_element(
        open.begin(), open.end(), [](const auto& a, const auto& b) { return a.probability < b.probability; });
    if (best != open.end() && span.first >= std::max(best->end_frame, best->start_frame + 1)) close();
    open.push_back({span.first, span.second, probability});
  }
  close();
  return groups;
}

class QueryEvaluatorTest : public ::testing::Test {
 protected:
  struct Utterance {
    PosteriorLattice lattice;
    size_t source;
    double start_s;
  };

  void SetUp() override {
    for (size_t s = 0; s < 12; ++s) {
      double start_s = 0;
      for (size_t u = 0; u < 20; ++u) {
        utterances_.push_back({RandomPosteriorLattice(2 + random_() % 12, kWords, random_), s, start_s});
        start_s += 20;
      }
    }
  }

  /// The sources [first, end) as a segment.
  IndexSegment Write(size_t first, size_t end) {
    const std::string path = folder_ / ("s" + std::to_string(next_++) + ".kws");
    IndexSegmentWriter writer = IndexSegmentWriter::Create(path).value();
    size_t source = first;
    for (const Utterance& utterance : utterances_) {
      if (utterance.source < first || utterance.source >= end) continue;
      for (; source <= utterance.source; ++source) {
        writer.AddSource({source, "f" + std::to_string(source), 400, kFrameShiftS});
      }
      EXPECT_TRUE(writer.AddUtterance(0, 0, utterance.start_s, utterance.lattice, WordName, 1e-3).ok());
    }
    EXPECT_TRUE(writer.Commit().ok());
    return IndexSegment::Open(path).value();
  }

  /// Walks every chain of every utterance. A slot is a set of words; none stands for any word.
  std::vector<Expected> BruteForce(const std::vector<std::vector<uint32_t>>& slots, double max_gap_s) {
    std::vector<Expected> expected;
    for (size_t u = 0; u < utterances_.size(); ++u) {
      const PosteriorLattice& lattice = utterances_[u].lattice;
      std::map<std::pair<int32_t, int32_t>, double> spans;
      const std::function<void(uint32_t, size_t, int32_t, int32_t, double)> walk =
          [&](uint32_t node, size_t slot, int32_t start, int32_t end, double probability) {
            if (slot == slots.size()) {
              spans[{start, end}] += probability;
              return;
            }
            for (const auto& arc : lattice.arcs) {
              const auto& words = slots[slot];
              if (slot > 0 &&
                  (arc.source != node || (arc.start_frame - end) * kFrameShiftS > max_gap_s + 1e-9))
                continue;
              if (!words.empty() && std::find(words.begin(), words.end(), arc.word) == words.end()) continue;
              walk(arc.destination, slot + 1, slot == 0 ? arc.start_frame : start, arc.end_frame,
                   (slot == 0 ? lattice.nodes[arc.source].posterior : probability) * arc.conditional);
            }
          };
      walk(0, 0, 0, 0, 1);
      for (const Occurrence& group : Groups(spans)) {
        expected.push_back({u, utterances_[u].start_s + group.start_frame * kFrameShiftS,
                            utterances_[u].start_s + group.end_frame * kFrameShiftS, group.probability});
      }
    }
    return expected;
  }

  TemporaryFolder folder_;
  std::mt19937_64 random_{PropertySeed()};
  std::vector<Utterance> utterances_;
  int next_ = 0;
};

TEST_F(QueryEvaluatorTest, PhrasesHaveTheirExactExpectedCounts) {
  // Probabilities that are stored without rounding, so that groups have the same best member.
  for (Utterance& utterance : utterances_) {
    for (auto& node : utterance.lattice.nodes)
      node.posterior = ProbabilityOfCode(ProbabilityCode(node.posterior));
    for (auto& arc : utterance.lattice.arcs)
      arc.conditional = ProbabilityOfCode(ProbabilityCode(arc.conditional));
  }
  const IndexSegment segment = Write(0, 12);
  size_t found = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<std::vector<uint32_t>> slots;
    std::string text;
    for (size_t n = 1 + random_() % 3; n > 0; --n) {
      const uint32_t a = static_cast<uint32_t>(random_() % kWords),
                     b = static_cast<uint32_t>(random_() % kWords);
      if (slots.size() == 1 && n > 1 && random_() % 3 == 0) {
        slots.push_back({});
        text += "* ";
      } else if (random_() % 3 == 0) {
        slots.push_back({a, b});
        text += "(" + WordName(a) + " OR " + WordName(b) + ") ";
      } else {
        slots.push_back({a});
        text += WordName(a) + " ";
      }
    }
    if (slots.size() == 1 && slots[0].size() == 2) continue;  // an OR of words groups over time, not frames
    EvaluationOptions options;
    options.max_gap_s = 0.1 * static_cast<double>(random_() % 8) + 0.001;
    const auto hits = EvaluateQuery(segment, ParseQuery(text).value(), options);
    ASSERT_TRUE(hits.ok()) << hits.status().ToString();
    const auto expected = BruteForce(slots, options.max_gap_s);
    ASSERT_EQ(hits->size(), expected.size()) << text;
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ((*hits)[i].utterance, expected[i].utterance) << text;
      ASSERT_NEAR((*hits)[i].start_s, expected[i].start_s, 1e-9) << text;
      ASSERT_NEAR((*hits)[i].end_s, expected[i].end_s, 1e-9) << text;
      // A word's count is rounded once more in its posting.
      const double error = slots.size() == 1 ? kIndexScoreRelative : kPosteriorSumAbs;
      ASSERT_NEAR((*hits)[i].score, expected[i].score, error * expected[i].score) << text;
    }
    found += expected.size();

    options.min_score = 0.2;
    const auto likely = EvaluateQuery(segment, ParseQuery(text).value(), options);
    const auto count =
        std::count_if(hits->begin(), hits->end(), [](const auto& h) { return h.score >= 0.2; });
    EXPECT_EQ(likely->size(), static_cast<size_t>(count)) << text;
  }
  EXPECT_GT(found, 1000u);
}

TEST_F(QueryEvaluatorTest, RoundingStaysWithinItsBound) {
  const IndexSegment segment = Write(0, 12);
  for (uint32_t a = 0; a < kWords; ++a) {
    double expected = 0, found = 0;
    for (const Expected& e : BruteForce({{a}, {0}}, 1e9)) expected += e.score;
    EvaluationOptions options;
    options.max_gap_s = 1e9;
    const auto hits = EvaluateQuery(segment, PhraseQuery({WordName(a), "wa"}), options);
    for (const SegmentHit& hit : *hits) found += hit.score;
    EXPECT_NEAR(found, expected, expected * 3 * kProbabilityCodeError * 1.1 + kPosteriorSumAbs);
  }
}

TEST_F(QueryEvaluatorTest, APhraseNeverCountsMoreThanItsWords) {
  const IndexSegment segment = Write(0, 12);
  std::map<std::pair<uint32_t, uint32_t>, double> counts;  // of word, utterance
  for (uint32_t w = 0; w < kWords; ++w) {
    for (const SegmentHit& hit : EvaluateQuery(segment, PhraseQuery({WordName(w)})).value()) {
      counts[{w, hit.utterance}] += hit.score;
    }
  }
  for (uint32_t a = 0; a < kWords; ++a) {
    for (uint32_t b = 0; b < kWords; ++b) {
      for (const SegmentHit& hit : EvaluateQuery(segment, PhraseQuery({WordName(a), WordName(b)})).value()) {
        const double least = std::min(counts[{a, hit.utterance}], counts[{b, hit.utterance}]);
        EXPECT_LE(hit.score, least * (1 + kIndexScoreRelative));
      }
    }
  }
}

TEST_F(QueryEvaluatorTest, ManySegmentsFindWhatOneFinds) {
  const IndexSegment one = Write(0, 12);
  std::vector<IndexSegment> parts;
  parts.push_back(Write(0, 1)), parts.push_back(Write(1, 5)), parts.push_back(Write(5, 12));
  for (const char* text : {"wa", "w*", "wa wb", "wc * wa", "wa OR wb wc", "wa NEAR/5 wb",
                           "(wa OR wb) NEAR/30 wd we", "wa NEAR wa"}) {
    const Query query = ParseQuery(text).value();
    const auto expected = EvaluateQuery(one, query).value();
    ASSERT_FALSE(expected.empty()) << text;
    size_t next = 0;
    for (const IndexSegment& part : parts) {
      for (const SegmentHit& hit : EvaluateQuery(part, query).value()) {
        ASSERT_LT(next, expected.size());
        const SegmentHit& other = expected[next++];
        EXPECT_EQ(part.Source(hit.source)->path, one.Source(other.source)->path) << text;
        EXPECT_EQ(hit.start_s, other.start_s);
        EXPECT_EQ(hit.end_s, other.end_s);
        EXPECT_EQ(hit.score, other.score);
        EXPECT_EQ(HitContext(part, hit, 2).value(), HitContext(one, other, 2).value());
      }
    }
    EXPECT_EQ(next, expected.size()) << text;
  }
}

TEST_F(QueryEvaluatorTest, NearMultipliesAndBoundsTheDistance) {
  const IndexSegment segment = Write(0, 12);
  const auto left = EvaluateQuery(segment, PhraseQuery({"wa"})).value();
  const auto right = EvaluateQuery(segment, PhraseQuery({"wb"})).value();
  const double within_s = 3;
  const auto hits = EvaluateQuery(segment, ParseQuery("wa NEAR/3 wb").value()).value();
  std::multiset<std::tuple<uint32_t, double, double>> expected, found;
  for (const SegmentHit& a : left) {
    const SegmentHit* best = nullptr;
    for (const SegmentHit& b : right) {
      if (a.source != b.source) continue;
      if (b.start_s < a.end_s && a.start_s < b.end_s) continue;
      if (std::max(a.start_s - b.end_s, b.start_s - a.end_s) > within_s) continue;
      if (best == nullptr || b.score > best->score) best = &b;
    }
    if (best != nullptr)
      expected.emplace(a.source, std::min(a.start_s, best->start_s), a.score * best->score);
  }
  for (const SegmentHit& hit : hits) found.emplace(hit.source, hit.start_s, hit.score);
  EXPECT_EQ(found, expected);
  EXPECT_FALSE(found.empty());
}

// Differences of times in seconds round; which words are near must not depend on what else is in the segment.
TEST_F(QueryEvaluatorTest, NearFindsWhatIsJustNearEnough) {
  utterances_.clear();
  for (int32_t k = 0; k < 200; ++k) {
    PosteriorLattice lattice;
    lattice.nodes = {{k, 1}, {k + 3, 1}, {k + 106, 1}};
    lattice.arcs = {{0, 1, 1, k, k + 3, 1, true}, {1, 2, 0, k + 103, k + 106, 1, true}};
    utterances_.push_back({lattice, static_cast<size_t>(k), 0.0});
  }
  size_t near = 0;
  for (size_t k = 0; k < utterances_.size(); ++k) {
    const IndexSegment segment = Write(k, k + 1);
    const SegmentHit left = EvaluateQuery(segment, PhraseQuery({"wa"})).value().at(0);
    const SegmentHit right = EvaluateQuery(segment, PhraseQuery({"wb"})).value().at(0);
    const size_t expected = left.start_s - right.end_s <= 2 ? 1 : 0;
    ASSERT_EQ(EvaluateQuery(segment, ParseQuery("wa NEAR/2 wb").value())->size(), expected) << k;
    near += expected;
  }
  EXPECT_GT(near, 50u);
}

TEST_F(QueryEvaluatorTest, WeightedAlternativesAddUp) {
  const IndexSegment segment = Write(0, 12);
  Query both;
  both.kind = Query::Kind::kOr;
  both.parts = {PhraseQuery({"wa"}, 0.5), PhraseQuery({"wa"}, 0.25)};
  const auto hits = EvaluateQuery(segment, both).value();
  const auto single = EvaluateQuery(segment, PhraseQuery({"wa"})).value();
  ASSERT_FALSE(single.empty());
  double sum = 0, expected = 0;
  for (const SegmentHit& hit : hits) sum += hit.score;
  for (const SegmentHit& hit : single) expected += hit.score * 0.75;
  EXPECT_NEAR(sum, expected, kPosteriorSumAbs * expected);
}

}  // namespace
}  // namespace skald::test
