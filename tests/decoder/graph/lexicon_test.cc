#include "decoder/graph/lexicon.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/token_list.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> kLetters = {"<blk>", "|", "A", "N", "T", "'", "Ä"};

TEST(Lexicon, SpellsCharactersAndCountsWhatItCannotSpell) {
  const std::vector<std::string> words = {"AN", "A", "BAN", "A'T", "TÄT", "", "A|N"};
  const Lexicon lexicon = Lexicon::FromCharacters(kLetters, words).value();
  EXPECT_THAT(lexicon.words(), ElementsAre("AN", "A", "A'T", "TÄT"));
  EXPECT_EQ(lexicon.left_out(), 3u);
  EXPECT_EQ(lexicon.separator(), 1);
  ASSERT_EQ(lexicon.entries().size(), 4u);
  EXPECT_THAT(lexicon.entries()[0].units, ElementsAre(2, 3));
  EXPECT_THAT(lexicon.entries()[1].units, ElementsAre(2));
  EXPECT_THAT(lexicon.entries()[2].units, ElementsAre(2, 5, 4));
  EXPECT_THAT(lexicon.entries()[3].units, ElementsAre(4, 6, 4));
}

TEST(Lexicon, RefusesBadUnits) {
  const std::vector<std::string> words = {"A"};
  const auto message = [&](std::vector<std::string> units) {
    return Lexicon::FromCharacters(std::move(units), words).status().ToString();
  };
  EXPECT_THAT(message({"<blk>", "A"}), HasSubstr("separator \"|\" is not among the units"));
  EXPECT_THAT(message({"<blk>", "|", "A", "A"}), HasSubstr("two units are named \"A\""));
  EXPECT_THAT(message({"A", "|", "A"}), HasSubstr("two units"));
  EXPECT_THAT(message({"<blk>", "|", ""}), HasSubstr("no name"));
  EXPECT_THAT(message({"<blk>"}), HasSubstr("2 to 65536 units"));
  EXPECT_THAT(message({"<blk>", "|", "B"}), HasSubstr("no word"));
}

TEST(Lexicon, ReadsPronunciationsWithAlternativesAndHomophones) {
  test::TemporaryFolder folder;
  const std::string path = folder / "lexicon";
  const std::vector<std::string> phones = {"<blk>", "T", "UW", "AH"};
  ASSERT_TRUE(WriteFileAtomically(path, "TO\tT UW\tcmu\nTWO\tT UW\nTO\tT  AH\tcmu\r\nTO\tT UW\n\n").ok());
  const Lexicon lexicon = Lexicon::FromPronunciations(phones, path).value();
  EXPECT_THAT(lexicon.words(), ElementsAre("TO", "TWO"));
  EXPECT_EQ(lexicon.separator(), std::nullopt);
  ASSERT_EQ(lexicon.entries().size(), 3u) << "the same line twice is one entry";
  EXPECT_THAT(lexicon.entries()[0].units, ElementsAre(1, 2));
  EXPECT_THAT(lexicon.entries()[1].units, ElementsAre(1, 3));
  EXPECT_EQ(lexicon.entries()[2].word, 1u);

  const auto message = [&](const std::string& text) {
    EXPECT_TRUE(WriteFileAtomically(path, text).ok());
    return Lexicon::FromPronunciations(phones, path).status().ToString();
  };
  EXPECT_THAT(message("TO\tT UW\nTWO T UW\n"), HasSubstr("lexicon: line 2: \"WORD<TAB>UNITS\" expected"));
  EXPECT_THAT(message("TO\tT X\n"), HasSubstr("line 1: no unit is named \"X\""));
  EXPECT_THAT(message("TO\tT <blk>\n"), HasSubstr("<blk>"));
  EXPECT_THAT(message("TO\t\n"), HasSubstr("empty pronunciation"));
  EXPECT_THAT(message("\tT\n"), HasSubstr("empty word"));
  EXPECT_THAT(message(""), HasSubstr("lexicon: lexicon has no word"));
  std::string endless = "TO\t";
  for (int i = 0; i < 1001; ++i) endless += "T ";
  EXPECT_THAT(message(endless), HasSubstr("too long"));
  EXPECT_EQ(Lexicon::FromPronunciations(phones, folder / "none").status().code(), StatusCode::kNotFound);
}

TEST(Lexicon, FindsTheUnitsInThePronunciations) {
  test::TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "lexicon", "cat\tK AE  T\tflag\r\nA\tAH\nA\tEY\n").ok());
  const Lexicon lexicon = Lexicon::FromPronunciations(folder / "lexicon").value();
  EXPECT_THAT(lexicon.units(), ElementsAre("<blk>", "AE", "AH", "EY", "K", "T"));
  EXPECT_THAT(lexicon.words(), ElementsAre("cat", "A"));
  ASSERT_EQ(lexicon.entries().size(), 3u);
  EXPECT_THAT(lexicon.entries()[0].units, ElementsAre(4, 1, 5));
  ASSERT_TRUE(WriteFileAtomically(folder / "bad", "A\tAH\nB\n").ok());
  EXPECT_THAT(Lexicon::FromPronunciations(folder / "bad").status().ToString(), HasSubstr("bad: line 2"));
  EXPECT_EQ(Lexicon::FromPronunciations(folder / "none").status().code(), StatusCode::kNotFound);
}

TEST(Lexicon, SegmentsWordsIntoPieces) {
  SKALD_SHARED_OR_SKIP(model, "models/en-base/bpe.model");
  SKALD_SHARED_OR_SKIP(tokens, "models/en-base/tokens_bpe.txt");
  const auto units = ReadTokenList(tokens);
  ASSERT_TRUE(units.ok()) << units.status().ToString();
  EXPECT_EQ(units->size(), 256u);
  const std::vector<std::string> words = {"THE", "ANTS", "A", "ÜBER"};
  const Lexicon best = Lexicon::FromPieces(*units, words, model).value();
  EXPECT_EQ(best.left_out(), 1u);
  ASSERT_EQ(best.entries().size(), 3u);
  const auto spelling = [&](const Lexicon::Entry& entry) {
    std::string text;
    for (const uint16_t unit : entry.units) text += (*units)[unit];
    return text;
  };
  for (const auto& entry : best.entries()) EXPECT_EQ(spelling(entry), "▁" + best.words()[entry.word]);
  EXPECT_THAT(best.entries()[0].units, ElementsAre(4)) << "▁THE is a piece";

  const Lexicon many = Lexicon::FromPieces(*units, words, model, 4).value();
  EXPECT_GT(many.entries().size(), 6u);
  EXPECT_LE(many.entries().size(), 12u);
  for (const auto& entry : many.entries()) EXPECT_EQ(spelling(entry), "▁" + many.words()[entry.word]);
  for (const auto& entry : best.entries()) EXPECT_THAT(many.entries(), ::testing::Contains(entry));
}

TEST(Lexicon, RefusesAFileThatIsNoSentencepieceModel) {
  test::TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "m", "not a model").ok());
  const std::vector<std::string> words = {"A"};
  EXPECT_THAT(Lexicon::FromPieces(kLetters, words, folder / "m").status().ToString(),
              HasSubstr("sentencepiece"));
  EXPECT_EQ(Lexicon::FromPieces(kLetters, words, folder / "none").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Lexicon::FromPieces(kLetters, words, folder / "m", 0).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace skald
