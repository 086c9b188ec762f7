#include "decoder/graph/pronouncer.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>
#include <string>

#include "base/file.h"
#include "base/stopwatch.h"
#include "base/token_list.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald::test {
namespace {

StatusOr<Lexicon> SmallLexicon(const TemporaryFolder& folder, const std::string& text) {
  EXPECT_TRUE(WriteFileAtomically(folder / "lexicon", text).ok());
  return Lexicon::FromPronunciations({"<blk>", "K", "AE", "T", "S", "SH", "IH", "P", "B"},
                                     folder / "lexicon");
}

TEST(Pronouncer, LearnsThatLettersMayBeSilentOrSoundTogether) {
  TemporaryFolder folder;
  const auto lexicon =
      SmallLexicon(folder,
                   "CAT\tK AE T\nCATS\tK AE T S\nSAT\tS AE T\nSHIP\tSH IH P\nSHIPS\tSH IH P S\n"
                   "PIT\tP IH T\nTAB\tT AE B\nSIP\tS IH P\nTAX\tT AE K S\nSIX\tS IH K S\n");
  ASSERT_TRUE(lexicon.ok());
  const auto pronouncer = Pronouncer::Train(*lexicon);
  ASSERT_TRUE(pronouncer.ok());
  const auto spell = [&](const std::string& word) {
    const auto found = pronouncer->Pronounce(word, 1);
    EXPECT_TRUE(found.ok());
    std::string text;
    for (const uint16_t unit : found->front().units)
      text += (text.empty() ? "" : " ") + lexicon->units()[unit];
    return text;
  };
  EXPECT_EQ(spell("SHAX"), "SH AE K S");
  EXPECT_EQ(spell("bat"), "B AE T");
  const auto several = pronouncer->Pronounce("SHIP", 5);
  ASSERT_TRUE(several.ok());
  ASSERT_GT(several->size(), 1u);
  std::set<std::vector<uint16_t>> different;
  for (size_t i = 0; i < several->size(); ++i) {
    different.insert((*several)[i].units);
    EXPECT_GE((*several)[i].cost, (*several)[i == 0 ? 0 : i - 1].cost);
  }
  EXPECT_EQ(different.size(), several->size());
}

TEST(Pronouncer, NamesTheWordThatItCannotPronounce) {
  TemporaryFolder folder;
  const auto lexicon = SmallLexicon(folder, "CAT\tK AE T\n");
  ASSERT_TRUE(lexicon.ok());
  const auto pronouncer = Pronouncer::Train(*lexicon);
  ASSERT_TRUE(pronouncer.ok());
  const auto found = pronouncer->Pronounce("DOG", 1);
  EXPECT_EQ(found.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(found.status().ToString().find("DOG"), std::string::npos);
  EXPECT_EQ(pronouncer->Pronounce("", 1).status().code(), StatusCode::kInvalidArgument);
  constexpr auto kSilent = Pronouncer::UnknownLetters::kSilent;
  const auto without = pronouncer->Pronounce("CDA\xC3\x89T", 1, kSilent);
  ASSERT_TRUE(without.ok());
  EXPECT_EQ(without->front().units, pronouncer->Pronounce("CAT", 1)->front().units);
  EXPECT_EQ(pronouncer->Pronounce("DOG", 1, kSilent).status().code(), StatusCode::kInvalidArgument);
}

/// Least number of insertions, deletions and substitutions.
size_t EditDistance(const std::vector<uint16_t>& a, const std::vector<uint16_t>& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = std::exchange(row[j], std::min({substituted, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row.back();
}

TEST(Pronouncer, PronouncesEnglishWordsThatItNeverSaw) {
  const std::string bundle = ProjectPath("models/en-base");
  const auto units = ReadTokenList(bundle + "/tokens_phone.txt");
  ASSERT_TRUE(units.ok()) << units.status().ToString();
  const auto all = ReadMaybeGzippedFile(bundle + "/pronunciations.txt.gz");
  ASSERT_TRUE(all.ok());
  // Only what people wrote; every 200th word is held out, with all its pronunciations.
  std::string known, held_out, last_word;
  size_t words = 0;
  for (size_t begin = 0; begin < all->size();) {
    const size_t end = all->find('\n', begin);
    const std::string line = all->substr(begin, end - begin + 1);
    begin = end + 1;
    if (line.find("\tcmu\n") == std::string::npos) continue;
    const std::string word = line.substr(0, line.find('\t'));
    if (word != std::exchange(last_word, word)) ++words;
    (words % 200 == 0 ? held_out : known) += line;
  }
  TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "known", known).ok());
  ASSERT_TRUE(WriteFileAtomically(folder / "held_out", held_out).ok());
  const auto lexicon = Lexicon::FromPronunciations(*units, folder / "known");
  const auto test = Lexicon::FromPronunciations(*units, folder / "held_out");
  ASSERT_TRUE(lexicon.ok() && test.ok());
  Stopwatch watch;
  const auto pronouncer = Pronouncer::Train(*lexicon);
  ASSERT_TRUE(pronouncer.ok());
  const double train_s = watch.Seconds();
  size_t errors = 0, total = 0, right = 0, tested = 0;
  for (size_t e = 0; e < test->entries().size();) {
    const uint32_t word = test->entries()[e].word;
    const auto guess = pronouncer->Pronounce(test->words()[word], 1);
    ASSERT_TRUE(guess.ok());
    size_t least = SIZE_MAX, length = 0;
    for (; e < test->entries().size() && test->entries()[e].word == word; ++e) {
      const size_t distance = EditDistance(guess->front().units, test->entries()[e].units);
      if (distance < least) {
        least = distance;
        length = test->entries()[e].units.size();
      }
    }
    errors += least;
    total += length;
    right += least == 0;
    ++tested;
  }
  const double error_rate = static_cast<double>(errors) / static_cast<double>(total);
  RecordProperty("phone_error_rate", std::to_string(error_rate));
  std::printf("phone error rate %.3f, words right %.3f of %zu, learnt %zu words in %.2f s, %.3f s in all\n",
              error_rate, static_cast<double>(right) / static_cast<double>(tested), tested,
              lexicon->words().size(), train_s, watch.Seconds());
  EXPECT_LT(error_rate, kPronouncerErrorRate);
}

}  // namespace
}  // namespace skald::test
