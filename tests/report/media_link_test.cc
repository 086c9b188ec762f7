#include "report/media_link.h"

#include <gtest/gtest.h>

namespace skald {
namespace {

TEST(MediaLink, IsRelativeToThePage) {
  EXPECT_EQ(RelativeUrl("/a/b/talk.mp3", "/a/b/page.html"), "./talk.mp3");
  EXPECT_EQ(RelativeUrl("/a/media/talk.mp3", "/a/pages/page.html"), "./../media/talk.mp3");
  EXPECT_EQ(RelativeUrl("/a/./b/../b/talk.mp3", "/a/page.html"), "./b/talk.mp3");
  EXPECT_EQ(RelativeUrl("media/talk.mp3", "page.html"), "./media/talk.mp3");
}

TEST(MediaLink, IsAUrlWhateverTheName) {
  EXPECT_EQ(RelativeUrl("/a/javascript:alert(1)", "/a/p.html"), "./javascript%3Aalert%281%29");
  EXPECT_EQ(RelativeUrl("/a/50% \"of\" <it> & more?#1.mp3", "/a/p.html"),
            "./50%25%20%22of%22%20%3Cit%3E%20%26%20more%3F%231.mp3");
  EXPECT_EQ(RelativeUrl("/a/caf\u00E9.mp3", "/a/p.html"), "./caf%C3%A9.mp3");
}

TEST(MediaLink, TypeFollowsTheEnding) {
  EXPECT_EQ(MediaType("a.MP3"), "audio/mpeg");
  EXPECT_EQ(MediaType("x.tar/b.webm"), "video/webm");
  EXPECT_EQ(MediaType("mp3"), "application/octet-stream");
}

}  // namespace
}  // namespace skald
