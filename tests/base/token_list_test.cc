#include "base/token_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/test_environment.h"

namespace skald::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ReadTokenList, ReadsIdsInAnyOrderAndRefusesBadLists) {
  TemporaryFolder folder;
  const auto read = [&](const std::string& text) {
    EXPECT_TRUE(WriteFileAtomically(folder / "tokens", text).ok());
    return ReadTokenList(folder / "tokens");
  };
  EXPECT_THAT(read("B 1\r\n<blk> 0\n  2\n").value(), ElementsAre("<blk>", "B", " "));
  EXPECT_THAT(read("A 0\nB\n").status().ToString(), HasSubstr("tokens: line 2: \"SYMBOL ID\""));
  EXPECT_THAT(read("A 0\nB x\n").status().ToString(), HasSubstr("line 2: ID is not"));
  EXPECT_THAT(read("A 0\nB 1x\n").status().ToString(), HasSubstr("line 2: ID is not"));
  EXPECT_THAT(read("A 0\nB 2\n").status().ToString(), HasSubstr("each once"));
  EXPECT_THAT(read("A 0\nB 0\n").status().ToString(), HasSubstr("line 2: ID 0 appears twice"));
  EXPECT_THAT(read("").status().ToString(), HasSubstr("no units"));
  EXPECT_EQ(ReadTokenList(folder / "none").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace skald::test
