#include "engine/score_stitcher.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

#include "support/test_environment.h"

namespace skald {
namespace {

// Windows of a stream whose frame f has the score f, as a cutter with the given window and context would make
// them.
std::vector<WindowScores> Windows(int64_t frames, int64_t window, int64_t context) {
  std::vector<WindowScores> windows;
  const int64_t hop = window - 2 * context;
  for (int64_t first = 0;; first += hop) {
    WindowScores scores;
    scores.index = static_cast<int64_t>(windows.size());
    scores.first_frame = first;
    scores.keep_first_frame = first + (first == 0 ? 0 : context);
    scores.keep_end_frame = first + context + hop;
    scores.last = first + window >= frames;
    ScoreMatrix matrix(std::min(window, frames - first), 1);
    for (int64_t i = 0; i < matrix.frames; ++i) matrix.nll[static_cast<size_t>(i)] = static_cast<float>(first + i);
    scores.scores = MakeHostScores(std::move(matrix));
    windows.push_back(std::move(scores));
    if (windows.back().last) return windows;
  }
}

TEST(ScoreStitcher, JoinsTheStreamInAnyOrderOfArrival) {
  std::mt19937_64 random(test::PropertySeed());
  for (int trial = 0; trial < 100; ++trial) {
    const int64_t context = static_cast<int64_t>(random() % 5);
    const int64_t window = 2 * context + 1 + static_cast<int64_t>(random() % 20);
    const int64_t frames = 1 + static_cast<int64_t>(random() % 300);
    std::vector<WindowScores> windows = Windows(frames, window, context);
    std::shuffle(windows.begin(), windows.end(), random);
    ScoreStitcher stitcher;
    std::vector<float> joined;
    for (size_t i = 0; i < windows.size(); ++i) {
      EXPECT_FALSE(stitcher.finished());
      stitcher.Add(std::move(windows[i]), [&](const ScoreRows& rows) {
        for (int64_t row = 0; row < rows.frames(); ++row) {
          joined.push_back(rows.nll(row, 0));
          EXPECT_EQ(rows.blank_nll[row], joined.back());
        }
      });
    }
    EXPECT_TRUE(stitcher.finished());
    ASSERT_EQ(joined.size(), static_cast<size_t>(frames));
    for (size_t i = 0; i < joined.size(); ++i) EXPECT_EQ(joined[i], static_cast<float>(i));
  }
}

}  // namespace
}  // namespace skald
