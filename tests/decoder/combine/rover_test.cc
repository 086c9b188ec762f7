#include "decoder/combine/rover.h"

#include <cmath>
#include <gtest/gtest.h>

#include "support/test_environment.h"
#include "word_lists.h"

namespace skald::test {
namespace {

using Systems = std::vector<std::vector<SystemWord>>;

std::string Combined(const Systems& systems, const std::vector<double>& weights,
                     const RoverOptions& options = {}) {
  const auto words = Rover(systems, weights, options);
  EXPECT_TRUE(words.ok()) << words.status().ToString();
  return words.ok() ? LettersOf(*words) : "?";
}

std::string SlotsAsText(const std::vector<RoverSlot>& slots) {
  std::string text;
  for (const RoverSlot& slot : slots) {
    if (!text.empty()) text += ' ';
    for (const RoverEntry& entry : slot) {
      text += entry.word.word == 0 ? '@' : static_cast<char>('a' + entry.word.word - 1);
    }
  }
  return text;
}

TEST(Rover, AlignsWordsSystemAfterSystem) {
  // "xc" costs least as two words against "bc", where x replaces b (4), not as insertion and deletion (6);
  // "d" of the second is alone (3) and meets the empty place in the third (1 for none against a word).
  const Systems systems = {WordsOf("abc"), WordsOf("axcd"), WordsOf("abce")};
  const auto slots = AlignForRover(systems);
  ASSERT_TRUE(slots.ok());
  EXPECT_EQ(SlotsAsText(*slots), "aaa bxb ccc d@e");
  for (const RoverSlot& slot : *slots) {
    for (const RoverEntry& entry : slot) {
      if (entry.word.word == 0) continue;
      const auto& words = systems[entry.system];
      EXPECT_NE(std::find(words.begin(), words.end(), entry.word), words.end())
          << "entries keep their system";
    }
  }
}

TEST(Rover, MajorityWinsAndTheFirstAtTies) {
  const Systems systems = {WordsOf("abc"), WordsOf("axc"), WordsOf("axd")};
  EXPECT_EQ(Combined(systems, {1, 1, 1}), "axc");
  EXPECT_EQ(Combined({WordsOf("abc"), WordsOf("axd")}, {1, 1}), "abc");
  EXPECT_EQ(Combined({WordsOf("axd"), WordsOf("abc")}, {1, 1}), "axd") << "the first system wins";
  EXPECT_EQ(Combined({WordsOf("abc"), WordsOf("ac"), WordsOf("ac")}, {1, 1, 1}), "ac") << "none wins as well";
}

TEST(Rover, ConfidencesCountAsAlphaSays) {
  const Systems systems = {WordsOf("a", 0.2), WordsOf("b", 0.9), WordsOf("a", 0.3)};
  RoverOptions options;
  EXPECT_EQ(Combined(systems, {1, 1, 1}, options), "a");
  options.alpha = 0;
  for (const RoverVote vote : {RoverVote::kAverage, RoverVote::kMaximum, RoverVote::kShare}) {
    options.vote = vote;
    EXPECT_EQ(Combined(systems, {1, 1, 1}, options), "b");
  }
  // Shares: a (0.2 + 0.8) / 1.9, b 0.9 / 1.9; means: a 0.5, b 0.9.
  const Systems sums = {WordsOf("a", 0.2), WordsOf("b", 0.9), WordsOf("a", 0.8)};
  options.vote = RoverVote::kShare;
  EXPECT_EQ(Combined(sums, {1, 1, 1}, options), "a");
  options.vote = RoverVote::kAverage;
  EXPECT_EQ(Combined(sums, {1, 1, 1}, options), "b");
}

TEST(Rover, ConfidenceOfNoWordDecidesInsertions) {
  const Systems systems = {WordsOf("ab", 0.5), WordsOf("a", 0.5)};
  RoverOptions options;
  options.alpha = 0.5;
  options.null_confidence = 0.4;
  EXPECT_EQ(Combined(systems, {1, 1}, options), "ab");
  options.null_confidence = 0.6;
  EXPECT_EQ(Combined(systems, {1, 1}, options), "a");
}

TEST(Rover, TimesAndConfidencesAreMeansOfThoseWhoAgree) {
  Systems systems = {{{1, 1.0, 1.5, 0.5}}, {{1, 1.2, 1.7, 0.9}}, {{2, 0.0, 9.0, 1.0}}};
  const auto words = Rover(systems, std::vector<double>{1, 3, 1}, {});
  ASSERT_TRUE(words.ok());
  ASSERT_EQ(words->size(), 1u);
  EXPECT_NEAR((*words)[0].start_s, 1.15, 1e-12);
  EXPECT_NEAR((*words)[0].end_s, 1.65, 1e-12);
  EXPECT_NEAR((*words)[0].confidence, 0.8, 1e-12);
}

TEST(Rover, TimesAlignWhereWordsDoNot) {
  // By words alone, x would stand beside a (both replaced); by time it stands beside b.
  const Systems systems = {{{1, 0.0, 0.4, 1}, {2, 1.0, 1.4, 1}}, {{24, 1.0, 1.4, 1}}};
  RoverOptions options;
  options.align_by_time = true;
  auto slots = AlignForRover(systems, options);
  ASSERT_TRUE(slots.ok());
  EXPECT_EQ(SlotsAsText(*slots), "a@ bx");
}

TEST(Rover, PausesThatAllHaveInCommonSplit) {
  const Systems systems = {WordsOf("ab        cd"), WordsOf("abe      ecd"), WordsOf("ab         d")};
  const auto chunks = SplitAtCommonPauses(systems, 1.0);
  ASSERT_GE(chunks.size(), 2u);
  EXPECT_EQ(chunks[0].begin, (std::vector<size_t>{0, 0, 0}));
  EXPECT_EQ(chunks[0].end, (std::vector<size_t>{2, 3, 2}));
  EXPECT_EQ(chunks[1].begin, chunks[0].end);
  EXPECT_EQ(chunks.back().end, (std::vector<size_t>{4, 6, 3}));
  EXPECT_TRUE(SplitAtCommonPauses(Systems{{}, {}}, 1.0).empty());
  const auto only_second = SplitAtCommonPauses(Systems{{}, WordsOf("ab")}, 1.0);
  ASSERT_EQ(only_second.size(), 1u);
  EXPECT_EQ(only_second[0].end, (std::vector<size_t>{0, 2}));
}

TEST(Rover, WeightsOfRandomSystems) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 100; ++round) {
    const auto truth = WordsOf("thequickbrownfoxjumps");
    const Systems systems = {WithErrors(truth, 0.3, random), WithErrors(truth, 0.3, random),
                             WithErrors(truth, 0.3, random)};
    RoverOptions options;
    options.alpha = static_cast<double>(random() % 11) / 10;
    options.null_confidence = static_cast<double>(random() % 11) / 10;
    const auto first = Rover(systems, std::vector<double>{1, 0, 0}, options);
    ASSERT_TRUE(first.ok());
    ASSERT_EQ(*first, systems[0]) << "a system alone stays as it is";
    ASSERT_EQ(Combined({systems[0], systems[0], systems[0]}, {1, 1, 1}, {}), LettersOf(systems[0]));
    options.alpha = 1;
    ASSERT_EQ(Combined(systems, {3, 1, 1}, options), LettersOf(systems[0])) << "three of five votes";
    // Weight 2 is two votes.
    ASSERT_EQ(Combined({systems[0], systems[1], systems[2]}, {2, 1, 1}, options),
              Combined({systems[0], systems[0], systems[1], systems[2]}, {1, 1, 1, 1}, options));
  }
}

TEST(Rover, RefusesWhatIsOutOfRange) {
  const Systems systems = {WordsOf("a"), WordsOf("b")};
  RoverOptions options;
  options.alpha = 1.5;
  EXPECT_EQ(Rover(systems, std::vector<double>{1, 1}, options).status().code(), StatusCode::kInvalidArgument);
  options = {};
  options.null_confidence = NAN;
  EXPECT_EQ(Rover(systems, std::vector<double>{1, 1}, options).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Rover(systems, std::vector<double>{1, -1}, {}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Rover(Systems(51), std::vector<double>(51, 1), {}).status().code(), StatusCode::kOk)
      << "nothing to align";
  EXPECT_EQ(Rover(Systems(51, WordsOf("a")), std::vector<double>(51, 1), {}).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace skald::test
