#include "engine/live_transcriber.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

#include "engine/fake_scorer.h"
#include "engine/graph_line_decoder.h"
#include "engine/greedy_line_decoder.h"
#include "support/test_environment.h"

namespace skald {
namespace {

/// A loop over two words, "ALPHA" of unit 1 and "BETA" of unit 2.
GraphImage TwoWords() {
  GraphImageBuilder builder({"<blk>", "a", "b"}, {"", "ALPHA", "BETA"});
  const GraphImageBuilder::Arc arcs[] = {{0, 0.5f, 1, kArcWordStart, 1}, {0, 0.5f, 2, kArcWordStart, 2}};
  builder.AddState(0.0f, arcs);
  builder.SetStart(0);
  return std::move(builder).Build().value();
}

std::unique_ptr<LineDecoder> DecoderOf(const GraphImage& graph, const LiveOptions& options = {}) {
  const auto max_delay_frames = std::llround(options.max_delay_s / 0.02);
  return std::make_unique<GraphLineDecoder>(graph, SearchOptions(), nullptr, 15, max_delay_frames);
}

struct Spoken {
  double time_s;
  bool alpha;
};

/// Pulses of 60 ms, each a word for FakeScorer.
std::vector<float> Samples(double seconds, const std::vector<Spoken>& words) {
  std::vector<float> samples(static_cast<size_t>(seconds * kSampleRateHz), 0.0f);
  for (const Spoken& word : words) {
    const size_t first = static_cast<size_t>(word.time_s * kSampleRateHz);
    std::fill_n(samples.begin() + static_cast<ptrdiff_t>(first), 960, word.alpha ? 0.6f : -0.6f);
  }
  return samples;
}

/// Hears `samples` in pieces of random size up to `most`, or of one size where `random` is null.
std::vector<LiveUpdate> Hear(PcmView samples, size_t most, std::mt19937_64* random,
                             LiveOptions options = {}) {
  test::FakeScorer scorer;
  const GraphImage graph = TwoWords();
  std::vector<LiveUpdate> updates;
  LiveTranscriber live(&scorer, DecoderOf(graph, options), options,
                       [&](const LiveUpdate& update) { updates.push_back(update); });
  for (size_t at = 0; at < samples.size();) {
    const size_t count = std::min(random != nullptr ? 1 + (*random)() % most : most, samples.size() - at);
    EXPECT_TRUE(live.Push(static_cast<int64_t>(at), samples.subspan(at, count)).ok());
    at += count;
  }
  EXPECT_TRUE(live.Finish().ok());
  return updates;
}

std::string Text(const std::vector<LiveUpdate>& updates) {
  std::string text;
  for (const LiveUpdate& update : updates) {
    for (const Word& word : update.words) text += word.text + " ";
    if (update.line_ended) text += "/ ";
  }
  return text;
}

TEST(LiveTranscriber, HandsOutEveryWordOnceInOrder) {
  const std::vector<float> samples =
      Samples(9.0, {{0.5, true}, {1.0, false}, {1.5, true}, {4.0, false}, {4.4, false}, {8.9, true}});
  const std::vector<LiveUpdate> updates = Hear(samples, 1600, nullptr);
  EXPECT_EQ(Text(updates), "ALPHA BETA ALPHA / BETA BETA / ALPHA / ");
  const Word& first = updates.front().words.front();
  EXPECT_NEAR(first.start_s, 0.5, 0.021);
  EXPECT_NEAR(first.end_s, 0.56, 0.021);
}

TEST(LiveTranscriber, DoesNotDependOnHowSamplesArrive) {
  std::mt19937_64 random(test::PropertySeed());
  std::vector<Spoken> words;
  for (double time = 0.3; time < 40; time += 0.2 + static_cast<double>(random() % 1500) / 1000) {
    words.push_back({time, random() % 2 == 0});
  }
  const std::vector<float> samples = Samples(41.0, words);
  const std::vector<LiveUpdate> expected = Hear(samples, samples.size(), nullptr);
  for (const size_t most : {500u, 20000u, 100000u}) {
    const std::vector<LiveUpdate> updates = Hear(samples, most, &random);
    ASSERT_EQ(updates.size(), expected.size());
    for (size_t i = 0; i < updates.size(); ++i) {
      EXPECT_EQ(updates[i].heard_s, expected[i].heard_s);
      ASSERT_EQ(updates[i].words.size(), expected[i].words.size());
      for (size_t w = 0; w < updates[i].words.size(); ++w) {
        EXPECT_EQ(updates[i].words[w].text, expected[i].words[w].text);
        EXPECT_EQ(updates[i].words[w].start_s, expected[i].words[w].start_s);
      }
    }
  }
}

TEST(LiveTranscriber, WordsComeWithinTheDelay) {
  std::mt19937_64 random(test::PropertySeed());
  std::vector<Spoken> words;
  for (double time = 0.3; time < 60; time += 0.3)
    words.push_back({time, random() % 2 == 0});  // no pause at all
  LiveOptions options;
  options.max_delay_s = 1.0;
  size_t count = 0, lines = 0;
  for (const LiveUpdate& update : Hear(Samples(62.0, words), 3200, nullptr, options)) {
    for (const Word& word : update.words) {
      EXPECT_LE(update.heard_s - word.end_s,
                options.lookahead_s + options.step_s + options.max_delay_s + 0.3 + 0.1);
      ++count;
    }
    lines += update.line_ended;
  }
  EXPECT_EQ(count, words.size());
  EXPECT_GE(lines, 2u);  // long lines end in short pauses
}

TEST(LiveTranscriber, AJumpInTimeEndsTheLine) {
  test::FakeScorer scorer;
  const GraphImage graph = TwoWords();
  std::vector<LiveUpdate> updates;
  LiveTranscriber live(&scorer, DecoderOf(graph), {},
                       [&](const LiveUpdate& update) { updates.push_back(update); });
  const std::vector<float> samples = Samples(1.0, {{0.5, true}});
  ASSERT_TRUE(live.Push(0, samples).ok());
  ASSERT_TRUE(live.Push(100 * kSampleRateHz, samples).ok());
  ASSERT_TRUE(live.Finish().ok());
  EXPECT_EQ(Text(updates), "ALPHA / ALPHA / ");
  double last_start_s = 0;
  for (const LiveUpdate& update : updates) {
    for (const Word& word : update.words) last_start_s = word.start_s;
  }
  EXPECT_NEAR(last_start_s, 100.5, 0.021);
}

TEST(LiveTranscriber, GreedyWordsComeWithTheNextOneOrTheLinesEnd) {
  test::FakeScorer scorer;
  const std::vector<std::string> spellings = {"", " alpha", "beta"};
  std::vector<LiveUpdate> updates;
  LiveTranscriber live(&scorer, std::make_unique<GreedyLineDecoder>(spellings), {},
                       [&](const LiveUpdate& update) { updates.push_back(update); });
  const std::vector<float> samples =
      Samples(9.0, {{0.5, true}, {0.7, false}, {1.5, true}, {1.8, true}, {4.0, false}, {4.4, true}});
  std::mt19937_64 random(test::PropertySeed());
  for (size_t at = 0; at < samples.size();) {
    const size_t count = std::min<size_t>(1 + random() % 20000, samples.size() - at);
    ASSERT_TRUE(live.Push(static_cast<int64_t>(at), PcmView(samples).subspan(at, count)).ok());
    at += count;
  }
  ASSERT_TRUE(live.Finish().ok());
  EXPECT_EQ(Text(updates), "alphabeta alpha alpha / beta alpha / ");
  const Word& first = updates.front().words.front();
  EXPECT_NEAR(first.start_s, 0.5, 0.021);
  EXPECT_NEAR(first.end_s, 0.76, 0.021);
  EXPECT_LT(updates.front().heard_s, 4.0);  // before the line ended
}

TEST(LiveTranscriber, SilenceSaysNothing) {
  EXPECT_TRUE(Hear(Samples(20.0, {}), 1600, nullptr).empty());
  EXPECT_TRUE(Hear({}, 1600, nullptr).empty());
}

TEST(LiveTranscriber, AFailureOfTheScorerIsReported) {
  test::FakeScorer scorer(
      [](std::span<const WindowInput>) { return Status(StatusCode::kDeviceError, "gone"); });
  const GraphImage graph = TwoWords();
  LiveTranscriber live(&scorer, DecoderOf(graph), {}, [](const LiveUpdate&) {});
  EXPECT_EQ(live.Push(0, Samples(5.0, {})).code(), StatusCode::kDeviceError);
}

TEST(LiveOptions, RefusesValuesOutOfRange) {
  LiveOptions options;
  EXPECT_TRUE(options.Validate().ok());
  options.step_s = 0;
  EXPECT_NE(options.Validate().ToString().find("step_s"), std::string::npos);
  options = {};
  options.max_line_s = 5;
  EXPECT_NE(options.Validate().ToString().find("max_line_s"), std::string::npos);
  options = {};
  options.lookahead_s = NAN;
  EXPECT_NE(options.Validate().ToString().find("lookahead_s"), std::string::npos);
}

}  // namespace
}  // namespace skald
