#include "output/subtitle_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <random>

#include "base/utf8.h"
#include "output/sample_transcripts.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Break(const std::vector<std::string>& words, int max_characters, int reserve = 0) {
  return BreakLines(words, max_characters, reserve);
}

TEST(BreakLines, BalancesWithTheLowerLineLonger) {
  EXPECT_THAT(Break({"AAAA", "BBBB", "CCCC"}, 14), ElementsAre("AAAA BBBB CCCC"));
  EXPECT_THAT(Break({"AAAA", "BBBB", "CCCC"}, 13), ElementsAre("AAAA", "BBBB CCCC"));
  EXPECT_THAT(Break({"AA", "BB", "CC", "DD"}, 10), ElementsAre("AA BB", "CC DD"));
  EXPECT_THAT(Break({}, 10), ElementsAre());
}

TEST(BreakLines, KeepsLongWordsWhole) {
  const std::string giant(200, 'W');
  EXPECT_THAT(Break({"A", giant, "B"}, 42), ElementsAre("A", giant, "B"));
  EXPECT_THAT(Break({giant}, 42), ElementsAre(giant));
}

TEST(BreakLines, CountsCodePointsNotBytes) {
  EXPECT_THAT(Break({"\u4F60\u597D\u4F60\u597D", "\U0001F600\U0001F600\U0001F600"}, 8),
              ElementsAre("\u4F60\u597D\u4F60\u597D \U0001F600\U0001F600\U0001F600"));
}

TEST(BreakLines, LeavesRoomForTheReserve) {
  EXPECT_THAT(Break({"AAAA", "BBBB"}, 10, 2), ElementsAre("AAAA", "BBBB"));
  EXPECT_THAT(Break({"AAAA", "BBBB"}, 10, 1), ElementsAre("AAAA BBBB"));
}

TEST(SubtitleLayout, CutsAtThePause) {
  Segment segment = test::MakeSegment(
      0, 10, {"ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE", "TEN"});
  for (size_t i = 4; i < 10; ++i) segment.words[i].start_s += 0.5, segment.words[i].end_s += 0.5;
  const auto cues = LayOutSubtitles(std::vector<Segment>{segment}, {});
  ASSERT_EQ(cues.size(), 2u);
  EXPECT_THAT(cues[0].lines, ElementsAre("ONE TWO THREE FOUR"));
  EXPECT_THAT(cues[1].lines, ElementsAre("FIVE SIX SEVEN EIGHT NINE TEN"));
}

TEST(SubtitleLayout, AvoidsOrphans) {
  std::vector<std::string> words(17, "WORD");
  words.push_back("LAST");
  const auto cues = LayOutSubtitles(std::vector<Segment>{test::MakeSegment(0, 6.9, words)}, {});
  ASSERT_EQ(cues.size(), 2u);
  size_t characters = 0;
  for (const std::string& line : cues[1].lines) characters += line.size();
  EXPECT_GT(characters, 25u) << "the last cue must not hold a word or two";
}

TEST(SubtitleLayout, ShortCuesStayWhereThereIsRoom) {
  const auto cues = LayOutSubtitles(
      std::vector<Segment>{test::MakeSegment(1.0, 1.2, {"YES"}), test::MakeSegment(1.6, 1.8, {"NO"})}, {});
  ASSERT_EQ(cues.size(), 2u);
  EXPECT_EQ(cues[0].start_ms, 1000);
  EXPECT_EQ(cues[0].end_ms, 1520) << "the next cue's start less the gap";
  EXPECT_EQ(cues[1].end_ms, 2600) << "the minimum duration";
}

TEST(SubtitleLayout, WordsThatShareAnInstantStillAppear) {
  std::vector<Segment> segments;
  for (int i = 0; i < 50; ++i) segments.push_back(test::MakeSegment(3.0, 3.0, {"NOW"}));
  const auto cues = LayOutSubtitles(segments, {});
  ASSERT_EQ(cues.size(), 50u);
  for (size_t i = 0; i + 1 < cues.size(); ++i) {
    EXPECT_EQ(cues[i].end_ms - cues[i].start_ms, 40);
    EXPECT_EQ(cues[i + 1].start_ms, cues[i].end_ms);
  }
}

TEST(SubtitleLayout, NothingGivesNothing) {
  EXPECT_TRUE(LayOutSubtitles({}, {}).empty());
  EXPECT_TRUE(
      LayOutSubtitles(std::vector<Segment>{test::MakeSegment(0, 1, {"", " \n", "\x02"})}, {}).empty());
}

TEST(SubtitleLayout, OptionsOutOfRangeAreNamed) {
  const auto reason = [](auto change) {
    SubtitleOptions options;
    change(options);
    return options.Validate().reason();
  };
  EXPECT_TRUE(SubtitleOptions{}.Validate().ok());
  EXPECT_THAT(reason([](auto& o) { o.max_characters_per_line = 0; }),
              ::testing::HasSubstr("characters per line"));
  EXPECT_THAT(reason([](auto& o) { o.max_lines = 0; }), ::testing::HasSubstr("lines"));
  EXPECT_THAT(reason([](auto& o) { o.min_duration_s = 8; }), ::testing::HasSubstr("longer than the maximum"));
  EXPECT_THAT(reason([](auto& o) { o.max_duration_s = std::numeric_limits<double>::quiet_NaN(); }),
              ::testing::HasSubstr("maximum duration"));
  EXPECT_THAT(reason([](auto& o) { o.min_gap_s = -1; }), ::testing::HasSubstr("gap"));
  EXPECT_THAT(reason([](auto& o) { o.max_characters_per_s = 0; }), ::testing::HasSubstr("reading speed"));
  EXPECT_THAT(reason([](auto& o) { o.break_pause_s = -1; }), ::testing::HasSubstr("pause"));
}

/// Random segments, some with words out of order, without length, or far too long.
std::vector<Segment> RandomSegments(std::mt19937_64& random, std::vector<std::string>& words,
                                    std::vector<double>& starts) {
  std::vector<Segment> segments;
  double time_s = static_cast<double>(random() % 4000) / 1000;
  for (size_t n = random() % 6; n > 0; --n) {
    Segment segment;
    segment.start_s = time_s;
    for (size_t w = random() % 60; w > 0; --w) {
      std::string text;
      for (size_t c = 1 + random() % (random() % 20 == 0 ? 80 : 9); c > 0; --c) {
        AppendUtf8(random() % 5 == 0 ? char32_t{0x4F60} : char32_t{'A'} + random() % 26, text);
      }
      time_s += random() % 3 == 0 ? static_cast<double>(random() % 1500) / 1000 : 0;
      const double duration_s = random() % 4 == 0 ? 0 : static_cast<double>(random() % 900) / 1000;
      segment.words.push_back({text, time_s, time_s + duration_s, 1.0});
      words.push_back(text);
      starts.push_back(time_s);
      time_s += random() % 10 == 0 ? duration_s / 2 : duration_s;
    }
    segment.end_s = time_s;
    segments.push_back(std::move(segment));
  }
  return segments;
}

TEST(SubtitleLayout, LawsHoldForRandomWords) {
  std::mt19937_64 random(test::PropertySeed());
  for (int trial = 0; trial < 400; ++trial) {
    std::vector<std::string> words;
    std::vector<double> starts;
    const std::vector<Segment> segments = RandomSegments(random, words, starts);
    SubtitleOptions options;
    options.max_characters_per_line = 8 + static_cast<int>(random() % 40);
    options.max_lines = 1 + static_cast<int>(random() % 3);
    options.min_duration_s = static_cast<double>(random() % 3);
    options.max_duration_s = options.min_duration_s + 0.5 + static_cast<double>(random() % 8);
    options.min_gap_s = static_cast<double>(random() % 3) * 0.06;
    options.max_characters_per_s = 1 + static_cast<double>(random() % 60);
    options.break_pause_s = static_cast<double>(random() % 3) * 0.5;
    ASSERT_TRUE(options.Validate().ok());
    const int reserve = static_cast<int>(random() % 2 * 5);
    const auto cues = LayOutSubtitles(segments, options, 3, reserve);

    size_t word = 0;
    for (size_t i = 0; i < cues.size(); ++i) {
      const SubtitleCue& cue = cues[i];
      ASSERT_EQ(cue.channel, 3);
      ASSERT_LT(cue.start_ms, cue.end_ms);
      if (i > 0) {
        ASSERT_GE(cue.start_ms, cues[i - 1].end_ms) << "cues overlap";
      }
      ASSERT_GE(cue.start_ms, std::llround(starts[word] * 1000)) << "a cue precedes its first word";
      ASSERT_LE(cue.end_ms - cue.start_ms, std::llround(options.max_duration_s * 1000));
      ASSERT_GE(cue.lines.size(), 1u);
      ASSERT_LE(cue.lines.size(), static_cast<size_t>(options.max_lines));
      for (size_t k = 0; k < cue.lines.size(); ++k) {
        const std::string& line = cue.lines[k];
        const int used = k == 0 ? reserve : 0;
        if (line.find(' ') != std::string::npos) {
          ASSERT_LE(static_cast<int>(CountCodePoints(line)) + used, options.max_characters_per_line) << line;
        }
        for (size_t begin = 0; begin < line.size();) {
          const size_t end = std::min(line.find(' ', begin), line.size());
          ASSERT_LT(word, words.size());
          ASSERT_EQ(line.substr(begin, end - begin), words[word++]);
          begin = end + 1;
        }
      }
      if (i + 1 < cues.size() && cue.end_ms - cue.start_ms > 40) {
        ASSERT_GE(cues[i + 1].start_ms - cue.end_ms, std::llround(options.min_gap_s * 1000));
      }
    }
    ASSERT_EQ(word, words.size()) << "words were lost";
  }
}

}  // namespace
}  // namespace skald
