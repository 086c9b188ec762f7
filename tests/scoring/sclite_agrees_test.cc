#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>

#include "base/file.h"
#include "scoring/score_input.h"
#include "scoring/wer.h"
#include "support/sclite.h"
#include "support/test_environment.h"

namespace skald {
namespace {

/// Texts of few distinct words have many alignments of equal cost: the hardest case for equal counts.
std::string RandomText(std::mt19937_64& random, size_t most_words) {
  const char* const vocabulary[] = {"A", "THE", "IT'S", "NA\u00CFVE", "E-MAIL", "ZERO"};
  const size_t distinct = 1 + random() % 6;
  std::string text;
  for (size_t n = random() % (most_words + 1); n > 0; --n)
    text += std::string(vocabulary[random() % distinct]) + " ";
  return text;
}

TEST(ScliteAgrees, OnRandomTranscripts) {
  SKALD_SCLITE_OR_SKIP(sclite);
  std::mt19937_64 random(test::PropertySeed());
  test::TemporaryFolder folder;
  std::string reference, hypothesis;
  for (int i = 0; i < 2000; ++i) {
    const size_t most_words = i % 50 == 0 ? 80 : 12;
    const std::string id = fmt::format("(speaker{}-{:05})\n", i % 7, i);
    reference += RandomText(random, most_words) + id;
    hypothesis += RandomText(random, most_words) + id;
  }
  ASSERT_TRUE(WriteFileAtomically(folder / "ref.trn", reference).ok());
  ASSERT_TRUE(WriteFileAtomically(folder / "hyp.trn", hypothesis).ok());
  const auto input = ReadScoreInput({folder / "ref.trn", {folder / "hyp.trn"}, {}, {}, ""});
  ASSERT_TRUE(input.ok()) << input.status().ToString();
  const auto report = ScoreWer(input->references, input->hypotheses);
  std::map<std::string, std::array<int, 4>> sclite_counts;
  for (const auto& utterance :
       test::RunSclite(sclite, folder / "ref.trn", "trn", folder / "hyp.trn", "trn")) {
    sclite_counts[utterance.id] = utterance.counts;
  }
  ASSERT_EQ(sclite_counts.size(), 2000u);
  for (const UtteranceScore& utterance : report->utterances) {
    const auto& [correct, substituted, deleted, inserted] = sclite_counts.at(utterance.id);
    ASSERT_EQ(utterance.counts, (ErrorCounts{correct, substituted, inserted, deleted})) << utterance.id;
  }
}

TEST(ScliteAgrees, OnRandomWordsAgainstSegments) {
  SKALD_SCLITE_OR_SKIP(sclite);
  std::mt19937_64 random(test::PropertySeed());
  test::TemporaryFolder folder;
  std::string reference, hypothesis;
  for (int file = 0; file < 60; ++file) {
    // Segments lie on a grid of 10 ms and words off it, so that no word's middle is at the end of a segment,
    // where sclite's answer depends on its rounding.
    int time_cs = static_cast<int>(random() % 200);
    for (size_t n = 1 + random() % 6; n > 0; --n) {
      const int end_cs = time_cs + 40 + static_cast<int>(random() % 300);
      const bool ignored = n > 1 && random() % 6 == 0;
      reference +=
          fmt::format("file{:02} 1 speaker {:.2f} {:.2f} {}\n", file, time_cs / 100.0, end_cs / 100.0,
                      ignored ? "IGNORE_TIME_SEGMENT_IN_SCORING" : RandomText(random, 6));
      time_cs = end_cs + (random() % 2 == 0 ? 0 : static_cast<int>(random() % 150));
    }
    for (int word_cs = 0; word_cs < time_cs + 100; word_cs += 20 + static_cast<int>(random() % 60)) {
      std::string word;
      while (word.empty()) word = RandomText(random, 1);
      hypothesis += fmt::format("file{:02} 1 {:.3f} {:.2f} {}0.9\n", file, word_cs / 100.0 + 0.003,
                                static_cast<double>(random() % 20) / 100.0, word);
    }
  }
  ASSERT_TRUE(WriteFileAtomically(folder / "ref.stm", reference).ok());
  ASSERT_TRUE(WriteFileAtomically(folder / "hyp.ctm", hypothesis).ok());
  const auto input = ReadScoreInput({folder / "ref.stm", {folder / "hyp.ctm"}, {}, {}, ""});
  ASSERT_TRUE(input.ok()) << input.status().ToString();
  const auto report = ScoreWer(input->references, input->hypotheses);
  const auto theirs = test::RunSclite(sclite, folder / "ref.stm", "stm", folder / "hyp.ctm", "ctm");
  ASSERT_EQ(theirs.size(), report->utterances.size());
  for (size_t i = 0; i < theirs.size(); ++i) {
    const auto& [correct, substituted, deleted, inserted] = theirs[i].counts;
    ASSERT_EQ(report->utterances[i].counts, (ErrorCounts{correct, substituted, inserted, deleted}))
        << report->utterances[i].id;
  }
}

}  // namespace
}  // namespace skald
