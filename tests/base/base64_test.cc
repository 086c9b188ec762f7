#include "base/base64.h"

#include <gtest/gtest.h>
#include <string_view>

namespace skald {
namespace {

std::string Of(std::string_view text) { return Base64(std::as_bytes(std::span(text.data(), text.size()))); }

TEST(Base64, EncodesThePublishedExamples) {  // RFC 4648, section 10
  EXPECT_EQ(Of(""), "");
  EXPECT_EQ(Of("f"), "Zg==");
  EXPECT_EQ(Of("fo"), "Zm8=");
  EXPECT_EQ(Of("foo"), "Zm9v");
  EXPECT_EQ(Of("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Of("\xFB\xFF\xFE"), "+//+");
}

}  // namespace
}  // namespace skald
