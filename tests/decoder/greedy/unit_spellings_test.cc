#include "decoder/greedy/unit_spellings.h"

#include <gtest/gtest.h>

namespace skald {
namespace {

using Texts = std::vector<std::string>;

TEST(UnitSpellings, CharactersWithASeparator) {
  const Texts units = {"<pad>", "<s>", "<unk>", "|", "a", "sch", "'", "ß", "[UNK]", "<", "[", "<>", "▁"};
  EXPECT_EQ(SpellUnits(units, "|", ""),
            (Texts{"", "", "", " ", "a", "sch", "'", "ß", "", "<", "[", "<>", "▁"}));
}

TEST(UnitSpellings, PiecesThatStartWords) {
  const Texts units = {"<blank>", "▁", "▁the", "ing", "a▁b", "▁▁", "|", "<unk>", "<unused:3>"};
  EXPECT_EQ(SpellUnits(units, "", "▁"), (Texts{"", " ", " the", "ing", "a b", "  ", "|", "", ""}));
}

TEST(UnitSpellings, BytesBelongToPieces) {
  const Texts units = {"<blank>", "<0x41>", "<0xE2>", "<0xe2>", "<0x4>", "<0xGG>", "<0x123>"};
  EXPECT_EQ(SpellUnits(units, "", "▁"), (Texts{"", "A", "\xE2", "\xE2", "", "", ""}));
  EXPECT_EQ(SpellUnits(units, "|", ""), (Texts{"", "", "", "", "", "", ""}));
}

TEST(UnitSpellings, TheBlankWritesNothingWhateverItsName) {
  EXPECT_EQ(SpellUnits(Texts{"|", "a"}, "|", ""), (Texts{"", "a"}));
  EXPECT_EQ(SpellUnits(Texts{"x", "a"}, "", ""), (Texts{"", "a"}));
  EXPECT_TRUE(SpellUnits(Texts{}, "|", "").empty());
}

}  // namespace
}  // namespace skald
