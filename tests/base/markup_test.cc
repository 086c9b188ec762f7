#include "base/markup.h"

#include <gtest/gtest.h>

namespace skald {
namespace {

TEST(EscapeMarkup, LeavesNothingThatIsMarkup) {
  EXPECT_EQ(EscapeMarkup("a <b> & \"c\" 'd' \xC3\xA9", true), "a &lt;b&gt; &amp; &quot;c&quot; 'd' \xC3\xA9");
  EXPECT_EQ(EscapeMarkup("\"c\" -->", false), "\"c\" --&gt;");
  EXPECT_EQ(EscapeMarkup("&lt;", true), "&amp;lt;");
  EXPECT_EQ(EscapeMarkup("", true), "");
}

}  // namespace
}  // namespace skald
