#include "decoder/kws/query.h"

#include <gtest/gtest.h>

namespace skald::test {
namespace {

/// The tree in one line.
std::string Show(const Query& query) {
  std::string text;
  if (query.kind == Query::Kind::kPhrase) {
    for (const Query::Slot& slot : query.slots) {
      if (!text.empty()) text += ' ';
      for (size_t i = 0; i < slot.size(); ++i) text += (i == 0 ? "" : "|") + slot[i];
    }
    return "'" + text + "'";
  }
  for (const Query& part : query.parts) {
    if (!text.empty())
      text += query.kind == Query::Kind::kOr
                  ? " or "
                  : " near" + std::to_string(static_cast<int>(query.within_s)) + " ";
    text += Show(part);
  }
  return "(" + text + ")";
}

std::string Parse(const std::string& text) {
  const auto query = ParseQuery(text);
  return query.ok() ? Show(*query) : query.status().ToString();
}

TEST(Query, Parses) {
  EXPECT_EQ(Parse("word"), "'WORD'");
  EXPECT_EQ(Parse("  prime minister "), "'PRIME MINISTER'");
  EXPECT_EQ(Parse("\"prime minister\" OR premier"), "('PRIME MINISTER' or 'PREMIER')");
  EXPECT_EQ(Parse("a OR b OR c d"), "('A' or 'B' or 'C D')");
  EXPECT_EQ(Parse("a b NEAR c NEAR/3 d"), "(('A B' near10 'C') near3 'D')");
  EXPECT_EQ(Parse("a NEAR b OR c"), "(('A' near10 'B') or 'C')");
  EXPECT_EQ(Parse("a NEAR (b OR c d)"), "('A' near10 ('B' or 'C D'))");
  EXPECT_EQ(Parse("(colour OR color) blind*"), "'COLOUR|COLOR BLIND*'");
  EXPECT_EQ(Parse("night * day"), "'NIGHT * DAY'");
  EXPECT_EQ(Parse("w?rd or \"OR\""), "'W?RD OR OR'");
  EXPECT_EQ(Parse("((a))"), "'A'");
  EXPECT_EQ(Parse("stra\u00dfe \u00e9t\u00e9"), "'STRA\u00dfE \u00c9T\u00c9'");
}

TEST(Query, NamesWhatIsWrongAndWhere) {
  EXPECT_EQ(Parse(""), "query, character 1: a word is missing at the end");
  EXPECT_EQ(Parse("a OR"), "query, character 5: a word is missing at the end");
  EXPECT_EQ(Parse("OR a"), "query, character 1: a word is missing before 'OR'");
  EXPECT_EQ(Parse("a NEAR OR b"), "query, character 8: a word is missing before 'OR'");
  EXPECT_EQ(Parse("(a"), "query, character 1: '(' is not closed");
  EXPECT_EQ(Parse("a)"), "query, character 2: ')' without '('");
  EXPECT_EQ(Parse("()"), "query, character 2: a word is missing before ')'");
  EXPECT_EQ(Parse("a \"b"), "query, character 3: a quotation mark is not closed");
  EXPECT_EQ(Parse("a NEAR/x b"), "query, character 3: NEAR/ needs a number of seconds");
  EXPECT_EQ(Parse("a NEAR/-1 b"), "query, character 3: NEAR/ needs a number of seconds");
  EXPECT_EQ(Parse("*"), "query, character 1: a phrase needs a word besides '*'");
  EXPECT_EQ(Parse("x (a OR *)"), "query, character 1: '*' is no alternative of a word");
  EXPECT_EQ(Parse("x (a b OR c)"),
            "query, character 1: inside a phrase, parentheses hold alternatives of single words only");
  EXPECT_FALSE(ParseQuery(std::string(1000, '(') + "a" + std::string(1000, ')')).ok());
  EXPECT_FALSE(ParseQuery(std::string(200'000, 'a')).ok());
}

}  // namespace
}  // namespace skald::test
