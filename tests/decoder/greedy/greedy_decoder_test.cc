#include "decoder/greedy/greedy_decoder.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "base/file.h"
#include "base/utf8.h"
#include "decoder/greedy/unit_spellings.h"
#include "support/test_environment.h"

namespace skald {
namespace {

/// Scores [path, units] whose smallest are those of `path`, by random amounts.
std::vector<float> ScoresOf(const std::vector<int>& path, size_t units, std::mt19937_64* random) {
  std::uniform_real_distribution<float> best(0.0f, 1.0f), more(1.01f, 9.0f);
  std::vector<float> scores;
  for (const int unit : path) {
    for (size_t u = 0; u < units; ++u) {
      scores.push_back(static_cast<int>(u) == unit ? best(*random) : more(*random));
    }
  }
  return scores;
}

/// Decodes in pieces of random length.
std::vector<GreedyWord> Decode(const std::vector<std::string>& spellings, const std::vector<float>& scores,
                               std::mt19937_64* random) {
  const auto units = static_cast<int64_t>(spellings.size());
  const ScoreView all(scores.data(), static_cast<int64_t>(scores.size()) / units, units);
  GreedyDecoder decoder(spellings);
  std::vector<GreedyWord> words;
  const auto take = [&](std::vector<GreedyWord> more) {
    words.insert(words.end(), more.begin(), more.end());
  };
  for (int64_t at = 0; at < all.rows;) {
    const int64_t count = std::min<int64_t>(all.rows - at, static_cast<int64_t>((*random)() % 9));
    EXPECT_TRUE(decoder.Advance(all.Rows(at, count)).ok());
    if ((*random)() % 2 == 0) take(decoder.TakeWords());
    at += count;
  }
  take(decoder.Finish());
  return words;
}

std::string Text(const std::vector<GreedyWord>& words) {
  std::string text;
  for (const GreedyWord& word : words) text += (text.empty() ? "" : " ") + word.text;
  return text;
}

TEST(GreedyDecoder, TextIsThatOfTheTokenizer) {
  std::mt19937_64 random(test::PropertySeed());
  const auto golden =
      nlohmann::json::parse(*ReadFile(test::ProjectPath("tests/decoder/greedy/tokenizer_golden.json")));
  ASSERT_EQ(golden["tokenizers"].size(), 5u);
  for (const nlohmann::json& tokenizer : golden["tokenizers"]) {
    const auto spellings = SpellUnits(tokenizer["units"].get<std::vector<std::string>>(),
                                      tokenizer["word_separator"], tokenizer["word_start_marker"]);
    ASSERT_EQ(tokenizer["paths"].size(), tokenizer["texts"].size());
    for (size_t i = 0; i < tokenizer["paths"].size(); ++i) {
      const auto path = tokenizer["paths"][i].get<std::vector<int>>();
      const std::vector<float> scores = ScoresOf(path, spellings.size(), &random);
      EXPECT_EQ(Text(Decode(spellings, scores, &random)), tokenizer["texts"][i].get<std::string>())
          << tokenizer["name"] << " path " << i;
    }
  }
}

/// What a path says, by the definition: merge, drop, spell, join, split at spaces. Frames are those of the
/// first and the last unit that writes into a word.
std::vector<GreedyWord> Reference(const std::vector<std::string>& spellings, const std::vector<int>& path,
                                  const std::vector<float>& scores) {
  struct Letter {
    char c;
    int64_t start, end;
    size_t run;
  };
  std::vector<Letter> letters;
  std::vector<double> run_nll;
  for (size_t first = 0; first < path.size();) {
    size_t end = first;
    double nll = 1e9;
    for (; end < path.size() && path[end] == path[first]; ++end) {
      nll = std::min<double>(nll, scores[end * spellings.size() + static_cast<size_t>(path[end])]);
    }
    run_nll.push_back(nll);
    for (const char c : spellings[static_cast<size_t>(path[first])]) {
      letters.push_back({c, static_cast<int64_t>(first), static_cast<int64_t>(end), run_nll.size() - 1});
    }
    first = end;
  }
  letters.push_back({' ', 0, 0, 0});
  std::vector<GreedyWord> words;
  GreedyWord word;
  double nll = 0;
  size_t last_run = std::numeric_limits<size_t>::max();
  for (const Letter& letter : letters) {
    if (letter.c == ' ') {
      word.confidence = std::exp(-nll);
      if (!word.text.empty()) words.push_back(word);
      word = {};
      nll = 0;
      last_run = std::numeric_limits<size_t>::max();
      continue;
    }
    if (word.text.empty()) word.start_frame = letter.start;
    word.text += letter.c;
    word.end_frame = letter.end;
    if (letter.run != last_run) nll += run_nll[letter.run];
    last_run = letter.run;
  }
  return words;
}

TEST(GreedyDecoder, WordsTimesAndConfidencesFollowTheDefinition) {
  std::mt19937_64 random(test::PropertySeed());
  const auto pick = [&](size_t count) { return static_cast<size_t>(random() % count); };
  for (int round = 0; round < 300; ++round) {
    const bool pieces = pick(2) == 0;
    std::vector<std::string> units = {"<blank>", pieces ? "▁" : "|", "<unk>"};
    const size_t count = 4 + pick(30);
    while (units.size() < count) {
      std::string unit = pieces && pick(3) == 0 ? "▁" : "";
      for (size_t letters = 1 + pick(3); letters > 0; --letters) unit += static_cast<char>('a' + pick(26));
      units.push_back(unit);
    }
    const std::vector<std::string> spellings = SpellUnits(units, pieces ? "" : "|", pieces ? "▁" : "");
    std::vector<int> path;
    for (size_t runs = pick(30); runs > 0; --runs) {
      path.insert(path.end(), 1 + pick(4), static_cast<int>(pick(2) == 0 ? pick(3) : pick(units.size())));
    }
    const std::vector<float> scores = ScoresOf(path, units.size(), &random);
    const std::vector<GreedyWord> words = Decode(spellings, scores, &random);
    const std::vector<GreedyWord> expected = Reference(spellings, path, scores);
    ASSERT_EQ(Text(words), Text(expected)) << "round " << round;
    for (size_t i = 0; i < words.size(); ++i) {
      EXPECT_EQ(words[i].start_frame, expected[i].start_frame);
      EXPECT_EQ(words[i].end_frame, expected[i].end_frame);
      EXPECT_FLOAT_EQ(static_cast<float>(words[i].confidence), static_cast<float>(expected[i].confidence));
    }
  }
}

TEST(GreedyDecoder, AnyPathGivesValidUtf8) {
  std::mt19937_64 random(test::PropertySeed());
  std::vector<std::string> units = {"<blank>", "▁", "a"};
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    units.push_back(name);
  }
  const std::vector<std::string> spellings = SpellUnits(units, "", "▁");
  for (int round = 0; round < 50; ++round) {
    std::vector<int> path;
    for (int i = 0; i < 30; ++i) path.push_back(static_cast<int>(random() % units.size()));
    for (const GreedyWord& word : Decode(spellings, ScoresOf(path, units.size(), &random), &random)) {
      EXPECT_EQ(word.text, ReplaceInvalidUtf8(word.text));
      EXPECT_FALSE(word.text.empty());
      EXPECT_EQ(word.text.find(' '), std::string::npos);
    }
  }
}

TEST(GreedyDecoder, OfEqualUnitsTheFirstIsTaken) {
  const std::vector<std::string> spellings = {"", "a", "b"};
  const std::vector<float> scores = {2, 1, 1, 1, 1, 1, 2, 2, 1};
  std::mt19937_64 random(1);
  EXPECT_EQ(Text(Decode(spellings, scores, &random)), "ab");
}

TEST(GreedyDecoder, RefusesWhatAreNoScores) {
  const std::vector<std::string> spellings = {"", "a"};
  GreedyDecoder decoder(spellings);
  const std::vector<float> columns = {1, 2, 3};
  EXPECT_EQ(decoder.Advance({columns.data(), 1, 3}).reason(), "scores have 3 columns, the head has 2 units");
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float bad : {std::nanf(""), kInfinity, -kInfinity}) {
    decoder.Begin();
    const std::vector<float> scores = {1, 2, bad, bad};
    const Status status = decoder.Advance({scores.data(), 2, 2});
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.ToString().find("frame 1"), std::string::npos) << status.ToString();
  }
  decoder.Begin();
  const std::vector<float> impossible = {1, kInfinity};  // one unit that cannot be is no error
  EXPECT_TRUE(decoder.Advance({impossible.data(), 1, 2}).ok());
}

}  // namespace
}  // namespace skald
