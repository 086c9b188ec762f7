#include "base/utf8.h"

#include <gtest/gtest.h>
#include <random>

#include "support/test_environment.h"

namespace skald {
namespace {

TEST(Utf8, EveryScalarValueRoundTrips) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    AppendUtf8(c, text);
    size_t position = 0;
    ASSERT_EQ(NextCodePoint(text, position), c);
    ASSERT_EQ(position, text.size());
  }
}

TEST(Utf8, InvalidPartsBecomeOneReplacementEach) {
  EXPECT_EQ(ReplaceInvalidUtf8("a\xFF"
                               "b"),
            "a\uFFFDb");
  EXPECT_EQ(ReplaceInvalidUtf8("\xC0\xAF"), "\uFFFD\uFFFD") << "overlong slash";
  EXPECT_EQ(ReplaceInvalidUtf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD") << "surrogate";
  EXPECT_EQ(ReplaceInvalidUtf8("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD") << "over U+10FFFF";
  EXPECT_EQ(ReplaceInvalidUtf8("\xE2\x82"), "\uFFFD") << "truncated euro sign";
  EXPECT_EQ(ReplaceInvalidUtf8("\xE2\x82X"), "\uFFFDX");
}

TEST(Utf8, RandomBytesBecomeValidAndStayAsTheyAre) {
  std::mt19937_64 random(test::PropertySeed());
  for (int trial = 0; trial < 2000; ++trial) {
    std::string bytes(random() % 12, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % 2 ? 0x80 | random() : random());
    const std::string valid = ReplaceInvalidUtf8(bytes);
    ASSERT_EQ(ReplaceInvalidUtf8(valid), valid);
    ASSERT_EQ(CountCodePoints(valid), CountCodePoints(bytes));
  }
}

TEST(Utf8, CountsCodePoints) {
  EXPECT_EQ(CountCodePoints(""), 0u);
  EXPECT_EQ(CountCodePoints("na\u00EFve \u4F60\u597D \U0001F600"), 10u);
}

TEST(Utf8, CaseMapping) {
  EXPECT_EQ(ToUpper("it's na\u00EFve \u0159 \u017E \u03B1\u03C9 \u044F\u0451 \u4F60 stra\u00DFe \u00FF"),
            "IT'S NA\u00CFVE \u0158 \u017D \u0391\u03A9 \u042F\u0401 \u4F60 STRA\u00DFE \u0178");
  for (char32_t c = 0; c < 0x3000; ++c) {
    if (ToLower(c) != c) {
      ASSERT_EQ(ToUpper(ToLower(c)), c) << std::hex << static_cast<uint32_t>(c);
    }
    if (ToUpper(c) != c) {
      ASSERT_EQ(ToLower(ToUpper(c)), c) << std::hex << static_cast<uint32_t>(c);
    }
  }
}

}  // namespace
}  // namespace skald
