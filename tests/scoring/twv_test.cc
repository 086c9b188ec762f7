#include "scoring/twv.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <set>

#include "base/file.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald::test {
namespace {

DetectedHit Hit(const std::string& file, double start_s, double score, bool decision) {
  return {file, "1", start_s, 0.4, score, decision};
}

/// Two keywords, 1000 s of audio. K1 was said twice: f at 10.2 s and 20.2 s. K2 once: f at 30.2 s. K3 never.
struct Example {
  std::vector<Keyword> keywords = {{"K1", "alpha"}, {"K2", "beta"}, {"K3", "gamma"}};
  std::vector<ReferenceOccurrence> said = {{"K1", "f", 10.2}, {"K1", "f", 20.2}, {"K2", "f", 30.2}};
  std::vector<DetectedKeyword> detected = {
      // Right, right but half a second late (still right), wrong.
      {"K1", {Hit("f", 10.0, 0.9, true), Hit("f", 20.5, 0.4, false), Hit("f", 50.0, 0.6, true)}},
      // The better of two hits on one occurrence is right, the other wrong; the right time in another file is
      // wrong.
      {"K2", {Hit("f", 30.1, 0.7, true), Hit("f", 30.0, 0.5, false), Hit("g", 30.0, 0.2, false)}},
      {"K3", {Hit("f", 1.0, 0.8, true)}},
  };
};

TEST(Twv, HandWorkedExample) {
  const Example example;
  const TwvReport report = ScoreTwv(example.keywords, example.said, example.detected, 1000).value();
  // beta = 0.1 (1e4 - 1) = 999.9. Trials less true: K1 998, K2 999.
  // Decisions. K1: 1 of 2 right, 1 wrong: 1 - 1/2 - 999.9/998. K2: all right: 1.
  const double k1 = 1 - 0.5 - 999.9 / 998;
  EXPECT_NEAR(report.actual, (k1 + 1) / 2, kPosteriorSumAbs);
  // Thresholds from the top: 0.9 (K1 right) 1/4; 0.7 (K2 right) 3/4; 0.6 (K1 wrong) falls. Best 3/4 at 0.7.
  EXPECT_NEAR(report.maximum, 0.75, kPosteriorSumAbs);
  EXPECT_DOUBLE_EQ(report.maximum_threshold, 0.7);
  // K1 alone is best at 0.9: 1/2. K2 at 0.7: 1.
  EXPECT_NEAR(report.optimum, 0.75, kPosteriorSumAbs);
  EXPECT_NEAR(report.supremum, 1, kPosteriorSumAbs);
  ASSERT_EQ(report.keywords.size(), 2u);
  EXPECT_EQ(report.keywords[0].correct, 1);
  EXPECT_EQ(report.keywords[0].false_alarms, 1);
  EXPECT_EQ(report.keywords[0].found, 2);
  EXPECT_EQ(report.keywords[1].found, 1);
  EXPECT_EQ(report.never_said, 1);
  EXPECT_EQ(report.never_said_false_alarms, 1);
  // Everything accepted: no miss; two false alarms of K2, one of K1.
  ASSERT_FALSE(report.det.empty());
  EXPECT_NEAR(report.det.back().miss, 0, kPosteriorSumAbs);
  EXPECT_NEAR(report.det.back().false_alarm, (1 / 998.0 + 2 / 999.0) / 2, kPosteriorSumAbs);
}

TEST(Twv, HalfASecondIsTheLimit) {
  const std::vector<Keyword> keywords = {{"K", "alpha"}};
  const std::vector<ReferenceOccurrence> said = {{"K", "f", 10.0}};
  const auto found = [&](double middle_s) {
    const DetectedHit hit = {"f", "1", middle_s - 0.2, 0.4, 1, true};
    return ScoreTwv(keywords, said, {{"K", {hit}}}, 1000).value().supremum;
  };
  EXPECT_EQ(found(10.5), 1);
  EXPECT_EQ(found(9.5), 1);
  EXPECT_EQ(found(10.51), 0);
  EXPECT_EQ(found(9.49), 0);
}

/// The formula, threshold by threshold, from labels that need no matching.
TEST(Twv, EqualsTheFormulaAtEveryThreshold) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 50; ++round) {
    std::vector<Keyword> keywords;
    std::vector<ReferenceOccurrence> said;
    std::vector<DetectedKeyword> detected;
    std::map<std::string, std::vector<std::pair<double, bool>>> hits;  // score, right
    std::set<double> thresholds = {2};
    for (int k = 0; k < 8; ++k) {
      const std::string id = "K" + std::to_string(k);
      keywords.push_back({id, id});
      detected.push_back({id, {}});
      const size_t count = random() % 5;
      for (size_t i = 0; i < count + 4; ++i) {
        const double middle_s = 10.0 * static_cast<double>(i);
        if (i < count) said.push_back({id, "f", middle_s});
        if (random() % 3 == 0) continue;
        const double score = static_cast<double>(1 + random() % 20) / 20;
        detected.back().hits.push_back({"f", "1", middle_s, 0, score, score >= 0.5});
        hits[id].emplace_back(score, i < count);
        thresholds.insert(score);
      }
    }
    std::map<std::string, double> true_count;
    for (const auto& occurrence : said) ++true_count[occurrence.keyword];
    if (true_count.empty()) continue;
    const double audio_s = 5000;
    const auto keyword_twv = [&](const std::string& id, double threshold) {
      double right = 0, wrong = 0;
      for (const auto& [score, correct] : hits[id]) (correct ? right : wrong) += score >= threshold ? 1 : 0;
      return right / true_count[id] - 999.9 * wrong / (audio_s - true_count[id]);
    };
    double maximum = 0, optimum = 0, actual = 0;
    for (const double threshold : thresholds) {
      double sum = 0;
      for (const auto& [id, n] : true_count) sum += keyword_twv(id, threshold);
      maximum = std::max(maximum, sum / static_cast<double>(true_count.size()));
    }
    for (const auto& [id, n] : true_count) {
      double best = 0;
      for (const double threshold : thresholds) best = std::max(best, keyword_twv(id, threshold));
      optimum += best / static_cast<double>(true_count.size());
      actual += keyword_twv(id, 0.5) / static_cast<double>(true_count.size());
    }
    const TwvReport report = ScoreTwv(keywords, said, detected, audio_s).value();
    EXPECT_NEAR(report.maximum, maximum, kPosteriorSumAbs);
    EXPECT_NEAR(report.optimum, optimum, kPosteriorSumAbs);
    EXPECT_NEAR(report.actual, actual, kPosteriorSumAbs);
    EXPECT_LE(report.actual, report.maximum + kPosteriorSumAbs);
    EXPECT_LE(report.maximum, report.optimum + kPosteriorSumAbs);
    EXPECT_LE(report.optimum, report.supremum + kPosteriorSumAbs);
  }
}

TEST(Twv, FindsOccurrencesInWordsAndTexts) {
  const std::vector<Keyword> keywords = {{"1", "prime minister"}, {"2", "no no"}};
  const std::vector<TimedWord> words = {{"f", "1", 1.0, 0.3, "PRIME"}, {"f", "1", 1.8, 0.4, "Minister"},
                                        {"f", "1", 5.0, 0.3, "prime"}, {"f", "1", 5.9, 0.4, "minister"},
                                        {"g", "1", 1.0, 0.1, "no"},    {"g", "1", 1.2, 0.1, "no"},
                                        {"g", "1", 1.4, 0.1, "no"}};
  const auto timed = FindOccurrences(keywords, words);
  ASSERT_EQ(timed.size(), 3u);  // the second minister comes too late
  EXPECT_NEAR(timed[0].middle_s, 1.6, kPosteriorSumAbs);
  EXPECT_EQ(timed[1].file, "g");
  const auto texts = FindOccurrences(
      keywords, std::vector<Utterance>{{"u", "", "the Prime Minister a prime minister"}, {"v", "", "no"}});
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_TRUE(texts[0].anywhere);
  EXPECT_EQ(texts[0].file, "u");
}

TEST(Twv, WithoutTimesAnyPlaceInTheFileIsRight) {
  const Example example;
  std::vector<ReferenceOccurrence> said = {{"K1", "f", 0, true}};
  const TwvReport report =
      ScoreTwv({{"K1", "alpha"}}, said, {{"K1", {Hit("f", 99, 0.9, true), Hit("f", 5, 0.8, true)}}}, 100)
          .value();
  EXPECT_EQ(report.keywords[0].correct, 1);
  EXPECT_EQ(report.keywords[0].false_alarms, 1);
}

TEST(Twv, RefusesWhatMakesNoSense) {
  const Example example;
  EXPECT_FALSE(ScoreTwv(example.keywords, example.said, example.detected, 2).ok());
  TwvOptions options;
  options.prior = 0;
  EXPECT_FALSE(ScoreTwv(example.keywords, example.said, example.detected, 1000, options).ok());
}

TEST(KeywordList, ListsComeBackAsTheyWereWritten) {
  TemporaryFolder folder;
  const std::vector<DetectedKeyword> written = {{"K<1> & \"2\"", {Hit("a&b", 1.25, 0.5, true)}, 0.1, 0},
                                                {"K2", {}, 0, 1}};
  ASSERT_TRUE(WriteFileAtomically(folder / "x.xml", FormatKwslist(written)).ok());
  const auto read = ReadKwslist(folder / "x.xml").value();
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].id, written[0].id);
  ASSERT_EQ(read[0].hits.size(), 1u);
  EXPECT_EQ(read[0].hits[0].file, "a&b");
  EXPECT_DOUBLE_EQ(read[0].hits[0].start_s, 1.25);
  EXPECT_DOUBLE_EQ(read[0].hits[0].score, 0.5);
  EXPECT_TRUE(read[0].hits[0].decision);
  ASSERT_TRUE(
      WriteFileAtomically(
          folder / "list.xml",
          "<?xml version=\"1.0\"?>\n<!-- <kw> -->\n<kwlist ecf_filename=\"e\">\n<kw kwid=\"1\">"
          "<kwtext> prime minister </kwtext></kw>\n<kw kwid='2'><kwtext>R&amp;D</kwtext></kw></kwlist>")
          .ok());
  const auto keywords = ReadKeywordList(folder / "list.xml").value();
  ASSERT_EQ(keywords.size(), 2u);
  EXPECT_EQ(keywords[0].text, "prime minister");
  EXPECT_EQ(keywords[1].text, "R&D");
  ASSERT_TRUE(WriteFileAtomically(folder / "list.txt", "A\tprime minister\n\nB\tother\n").ok());
  EXPECT_EQ(ReadKeywordList(folder / "list.txt")->at(1).id, "B");
}

TEST(KeywordList, BrokenListsAreNamedWithTheirLine) {
  TemporaryFolder folder;
  const auto error = [&](const std::string& name, const std::string& text) {
    EXPECT_TRUE(WriteFileAtomically(folder / name, text).ok());
    return ReadKeywordList(folder / name).status().ToString();
  };
  EXPECT_NE(error("a.txt", "A\tx\nB y\n").find("line 2"), std::string::npos);
  EXPECT_NE(error("b.txt", "A\tx\nA\ty\n").find("line 2"), std::string::npos);
  EXPECT_NE(error("c.xml", "<kwlist>\n<kw kwid=\"1\"><kwtext>x</kwtext></kw>\n<kw kwid=\"1").find("line 3"),
            std::string::npos);
  EXPECT_NE(error("d.xml", "<kwlist>\n<kw><kwtext>x</kwtext></kw>").find("line 2"), std::string::npos);
  EXPECT_NE(error("e.xml", "<kwlist>\n<kw kwid=\"1\"><kwtext>&what;</kwtext></kw>").find("line 2"),
            std::string::npos);
  ASSERT_TRUE(WriteFileAtomically(folder / "f.xml", "<kwlist/>").ok());
  EXPECT_EQ(ReadKwslist(folder / "f.xml").status().code(), StatusCode::kCorrupt);
  ASSERT_TRUE(WriteFileAtomically(folder / "g.xml",
                                  "<kwslist>\n<detected_kwlist kwid=\"1\">\n<kw file=\"f\" tbeg=\"x\"/>")
                  .ok());
  EXPECT_NE(ReadKwslist(folder / "g.xml").status().ToString().find("line 3"), std::string::npos);
}

}  // namespace
}  // namespace skald::test
