#include "engine/aligner.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <sstream>

#include "base/file.h"
#include "base/token_list.h"
#include "engine/scorer.h"
#include "frontend/media/media_reader.h"
#include "support/test_environment.h"

namespace skald {
namespace {

const std::string kModel = "models/en-base-25fps", kAudio = "corpora/samples/jfk.mp4";

std::vector<std::string> SpokenWords() {
  std::istringstream text(ReadFile(test::ProjectPath("corpora/samples/jfk.txt")).value());
  std::vector<std::string> words;
  for (std::string word; text >> word;) words.push_back(word);
  return words;
}

std::unique_ptr<Recognizer> CharacterRecognizer() {
  RecognizerOptions options;
  options.model_folder = test::ProjectPath(kModel);
  options.head = "char";
  options.device = "cpu";
  options.precision = "f32";
  options.threads = 1;
  return Recognizer::Create(options).value();
}

/// Scores of the whole file, which is one window.
std::vector<ScoreRows> Scores(Scorer* scorer) {
  const auto reader = MediaReader::Open(test::ProjectPath(kAudio), {}).value();
  std::vector<float> samples;
  while (const auto block = reader->Read().value()) {
    samples.insert(samples.end(), block->samples.begin(), block->samples.end());
  }
  const WindowInput window(samples);
  std::vector<ScoreRows> rows;
  ScorerTiming timing;
  EXPECT_TRUE(scorer->Score({&window, 1}, &rows, &timing).ok());
  return rows;
}

/// Best place in `units`, with blanks between them, at each frame: the textbook's dynamic programme over all
/// frames and places, in double. Even places are blanks, place 2 i + 1 is unit i.
std::vector<size_t> BestPlaces(ScoreView nll, const std::vector<size_t>& units) {
  const size_t places = 2 * units.size() + 1;
  const auto frames = static_cast<size_t>(nll.rows);
  std::vector<std::vector<double>> cost(frames, std::vector<double>(places, INFINITY));
  std::vector<std::vector<size_t>> from(frames, std::vector<size_t>(places, 0));
  for (size_t t = 0; t < frames; ++t) {
    for (size_t p = 0; p < places; ++p) {
      const size_t unit = p % 2 == 1 ? units[p / 2] : 0;
      double best = t == 0 && p < 2 ? 0 : INFINITY;
      // A unit may follow the one before it without a blank where the two differ.
      const size_t most_back = p % 2 == 1 && p >= 3 && units[p / 2 - 1] != unit ? 2 : 1;
      for (size_t back = 0; t > 0 && back <= std::min(most_back, p); ++back) {
        if (cost[t - 1][p - back] < best) best = cost[t - 1][p - back], from[t][p] = p - back;
      }
      cost[t][p] = best + double{nll.Row(static_cast<int64_t>(t))[unit]};
    }
  }
  std::vector<size_t> path(frames);
  path[frames - 1] = cost[frames - 1][places - 1] < cost[frames - 1][places - 2] ? places - 1 : places - 2;
  for (size_t t = frames - 1; t > 0; --t) path[t - 1] = from[t][path[t]];
  return path;
}

TEST(Aligner, FindsTheBestAlignmentOfAll) {
  const auto recognizer = CharacterRecognizer();
  const std::vector<std::string> words = SpokenWords();
  const auto aligner = Aligner::Create(recognizer.get()).value();
  const Transcript transcript = aligner->Align(test::ProjectPath(kAudio), words).value();

  const auto tokens = ReadTokenList(test::ProjectPath(kModel + "/tokens_char.txt")).value();
  const auto number = [&](const std::string& token) {
    return static_cast<size_t>(std::find(tokens.begin(), tokens.end(), token) - tokens.begin());
  };
  std::vector<size_t> units, word_of;  // by place in the text; separators belong to no word
  for (size_t w = 0; w < words.size(); ++w) {
    if (w > 0) units.push_back(number("|")), word_of.push_back(words.size());
    for (const char c : words[w]) {
      const std::string letter(1, static_cast<char>(std::toupper(c)));
      if (number(letter) < tokens.size()) units.push_back(number(letter)), word_of.push_back(w);
    }
  }
  const std::vector<ScoreRows> scores = Scores(recognizer->first_scorer());
  const std::vector<size_t> places = BestPlaces(scores[0].nll, units);
  std::vector<std::pair<size_t, size_t>> spans(words.size(), {places.size(), 0});
  for (size_t t = 0; t < places.size(); ++t) {
    if (places[t] % 2 == 0 || word_of[places[t] / 2] == words.size()) continue;
    auto& [first, end] = spans[word_of[places[t] / 2]];
    first = std::min(first, t);
    end = t + 1;
  }

  const double frame_shift_s = recognizer->first_scorer()->shape().frame_shift_s;
  size_t w = 0;
  for (const Segment& segment : transcript.segments) {
    for (const Word& word : segment.words) {
      ASSERT_LT(w, words.size());
      EXPECT_EQ(word.text, words[w]);
      EXPECT_EQ(std::llround(word.start_s / frame_shift_s), static_cast<int64_t>(spans[w].first))
          << word.text;
      EXPECT_EQ(std::llround(word.end_s / frame_shift_s), static_cast<int64_t>(spans[w].second)) << word.text;
      EXPECT_GT(word.confidence, 0);
      EXPECT_LE(word.confidence, 1);
      ++w;
    }
  }
  EXPECT_EQ(w, words.size());
}

TEST(Aligner, TellsWhatWasNotSaid) {
  const auto recognizer = CharacterRecognizer();
  const auto aligner = Aligner::Create(recognizer.get()).value();
  std::vector<std::string> words = SpokenWords();
  const auto least = [&] {
    double confidence = 1;
    const Transcript transcript = aligner->Align(test::ProjectPath(kAudio), words).value();
    for (const Segment& segment : transcript.segments) {
      for (const Word& word : segment.words) {
        if (word.text == words[1]) confidence = std::min(confidence, word.confidence);
      }
    }
    return confidence;
  };
  const double said = least();
  words[1] = "ZEPPELIN";
  EXPECT_LT(least(), 0.1 * said);
}

TEST(Aligner, NamesWhatItCannotAlign) {
  const auto recognizer = CharacterRecognizer();
  const auto aligner = Aligner::Create(recognizer.get()).value();
  const std::string path = test::ProjectPath(kAudio);
  const auto failure = [&](const std::vector<std::string>& words, const MediaOptions& media = {}) {
    return aligner->Align(path, words, media).status();
  };
  EXPECT_EQ(failure({}).code(), StatusCode::kInvalidArgument);
  const Status digits = failure({"and", "1999"});
  EXPECT_EQ(digits.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(digits.ToString().find("'1999'"), std::string::npos);
  EXPECT_EQ(failure(std::vector<std::string>(2000, "country")).code(), StatusCode::kUnsupported);
  MediaOptions split;
  split.split_channels = true;
  EXPECT_EQ(failure({"and"}, split).code(), StatusCode::kInvalidArgument);
  EXPECT_NE(aligner->Align(path + ".none", {"and"}).status().ToString().find(".none"), std::string::npos);
  // What failed leaves nothing behind.
  EXPECT_TRUE(aligner->Align(path, SpokenWords()).ok());
}

}  // namespace
}  // namespace skald
