#include "base/spooled_text.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <random>

#include "support/test_environment.h"

namespace skald {
namespace {

std::string Copy(const SpooledText& text, const std::string& path) {
  AtomicFile file = AtomicFile::Create(path).value();
  EXPECT_TRUE(file.Write("head ").ok());
  EXPECT_TRUE(text.CopyTo(&file).ok());
  EXPECT_TRUE(file.Commit().ok());
  return ReadFile(path).value();
}

TEST(SpooledText, GivesBackWhatWasAppended) {
  test::TemporaryFolder folder;
  std::mt19937_64 random(test::PropertySeed());
  for (int round = 0; round < 20; ++round) {
    SpooledText text(folder.path(), 1000);
    std::string expected = "head ";
    const size_t wanted = random() % 5000;
    while (expected.size() < wanted) {
      const std::string more(random() % 300, static_cast<char>('a' + random() % 26));
      ASSERT_TRUE(text.Append(more).ok());
      expected += more;
    }
    EXPECT_EQ(text.on_disk(), expected.size() - 5 > 1000);
    const SpooledText moved = std::move(text);
    EXPECT_EQ(Copy(moved, folder / "copy"), expected);
    EXPECT_EQ(Copy(moved, folder / "copy"), expected) << "a second time";
  }
}

TEST(SpooledText, LeavesNoFileBehindAndHasNoName) {
  test::TemporaryFolder folder;
  SpooledText text(folder.path(), 10);
  ASSERT_TRUE(text.Append("more than ten bytes").ok());
  EXPECT_TRUE(text.on_disk());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(SpooledText, SaysWhereNoFileCanBeMade) {
  test::TemporaryFolder folder;
  SpooledText text(folder / "missing", 10);
  EXPECT_TRUE(text.Append("little").ok());
  const Status status = text.Append("more than ten bytes");
  EXPECT_EQ(status.code(), StatusCode::kIo);
  EXPECT_EQ(status.file(), folder / "missing");
}

}  // namespace
}  // namespace skald
