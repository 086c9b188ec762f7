#include "engine/endpointer.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

#include "support/test_environment.h"

namespace skald {
namespace {

constexpr int64_t kUnits = 3;
constexpr double kShift = 0.02;

// '.' is a frame of pause, anything else a frame of speech whose number is in column 2.
std::vector<float> Scores(const std::string& pattern) {
  std::vector<float> rows;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const bool pause = pattern[i] == '.';
    rows.insert(rows.end(), {pause ? 0.01f : 3.0f, pause ? 5.0f : 0.1f, static_cast<float>(i)});
  }
  return rows;
}

std::vector<float> Joined(const ScoreSegment& segment) {
  std::vector<float> joined;
  for (const ScoreRows& piece : segment.pieces) {
    EXPECT_GT(piece.frames(), 0);
    for (int64_t row = 0; row < piece.frames(); ++row) EXPECT_EQ(piece.blank_nll[row], piece.nll(row, 0));
    joined.insert(joined.end(), piece.nll.data, piece.nll.data + piece.frames() * kUnits);
  }
  return joined;
}

std::vector<ScoreSegment> Cut(const EndpointOptions& options, const std::vector<float>& rows,
                              std::mt19937_64* random) {
  std::vector<ScoreSegment> segments;
  Endpointer endpointer(options, kShift,
                        [&](ScoreSegment segment) { segments.push_back(std::move(segment)); });
  const int64_t frames = static_cast<int64_t>(rows.size()) / kUnits;
  for (int64_t first = 0; first < frames;) {
    const int64_t count = random == nullptr
                              ? frames
                              : std::min<int64_t>(frames - first, static_cast<int64_t>((*random)() % 50));
    ScoreMatrix matrix(count, kUnits);
    std::copy_n(rows.begin() + first * kUnits, count * kUnits, matrix.nll.begin());
    endpointer.Push(MakeHostScores(std::move(matrix)));
    first += count;
  }
  endpointer.Finish();
  return segments;
}

EndpointOptions Short() {
  EndpointOptions options;
  options.pause_s = 0.2;         // 10 frames, margins of 5
  options.long_segment_s = 1.0;  // 50 frames
  options.max_segment_s = 2.0;   // 100 frames
  return options;
}

TEST(Endpointer, CutsInPausesAndKeepsMargins) {
  const std::string pattern =
      std::string(30, '.') + std::string(8, 'a') + std::string(40, '.') + std::string(6, 'b') + "...";
  const auto segments = Cut(Short(), Scores(pattern), nullptr);
  ASSERT_EQ(segments.size(), 2u);
  EXPECT_EQ(segments[0].first_frame, 25);
  EXPECT_EQ(segments[0].frames(), 5 + 8 + 5);
  EXPECT_EQ(segments[1].first_frame, 73);
  EXPECT_EQ(segments[1].frames(), 5 + 6 + 3);
  EXPECT_EQ(segments[1].index, 1);
}

TEST(Endpointer, ShortPausesDoNotCut) {
  EXPECT_EQ(Cut(Short(), Scores("aaa.........aaa"), nullptr).size(), 1u);
  EXPECT_EQ(Cut(Short(), Scores("aaa..........aaa"), nullptr).size(), 2u);
}

TEST(Endpointer, PauseAloneGivesNothing) {
  EXPECT_TRUE(Cut(Short(), Scores(std::string(100000, '.')), nullptr).empty());
  EXPECT_TRUE(Cut(Short(), {}, nullptr).empty());
}

TEST(Endpointer, LongSegmentsEndInTheirLongestPause) {
  const std::string pattern =
      std::string(20, 'a') + "....." + std::string(10, 'b') + ".." + std::string(60, 'c');
  const auto segments = Cut(Short(), Scores(pattern), nullptr);
  ASSERT_GE(segments.size(), 2u);
  EXPECT_EQ(segments[0].frames(), 23);  // the middle of the pause of five
}

TEST(Endpointer, SpeechWithoutPauseEndsAtTheLimit) {
  const auto segments = Cut(Short(), Scores(std::string(250, 'a')), nullptr);
  ASSERT_EQ(segments.size(), 3u);
  EXPECT_EQ(segments[0].frames(), 100);
  EXPECT_EQ(segments[2].frames(), 50);
}

TEST(Endpointer, SegmentsHoldEverySpeechFrameOnceWhateverTheChunks) {
  std::mt19937_64 random(test::PropertySeed());
  for (int trial = 0; trial < 100; ++trial) {
    std::string pattern;
    const size_t pieces = random() % 20;
    for (size_t i = 0; i < pieces; ++i) pattern += std::string(random() % 60, i % 2 == 0 ? '.' : 'a');
    const std::vector<float> rows = Scores(pattern);
    const auto whole = Cut(Short(), rows, nullptr);
    const auto chunked = Cut(Short(), rows, &random);
    ASSERT_EQ(whole.size(), chunked.size());
    std::vector<int> seen(pattern.size(), 0);
    for (size_t i = 0; i < whole.size(); ++i) {
      const std::vector<float> joined = Joined(whole[i]);
      EXPECT_EQ(joined, Joined(chunked[i]));
      EXPECT_EQ(whole[i].first_frame, chunked[i].first_frame);
      for (int64_t frame = 0; frame < whole[i].frames(); ++frame) {
        const int64_t in_stream = whole[i].first_frame + frame;
        EXPECT_EQ(joined[static_cast<size_t>(frame * kUnits + 2)], static_cast<float>(in_stream));
        ++seen[static_cast<size_t>(in_stream)];
      }
    }
    for (size_t i = 0; i < pattern.size(); ++i) {
      EXPECT_LE(seen[i], 1);
      if (pattern[i] != '.') {
        EXPECT_EQ(seen[i], 1) << "frame " << i;
      }
    }
  }
}

TEST(EndpointOptions, OutOfRangeIsRefused) {
  EndpointOptions options;
  options.pause_s = 0;
  EXPECT_FALSE(options.Validate().ok());
  options = {};
  options.max_segment_s = 1;
  EXPECT_FALSE(options.Validate().ok());
}

}  // namespace
}  // namespace skald
