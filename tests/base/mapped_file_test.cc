#include "base/mapped_file.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/test_environment.h"

namespace skald {
namespace {

TEST(MappedFile, MapsContentAndMoves) {
  test::TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "a", "content").ok());
  auto file = MappedFile::Open(folder / "a");
  ASSERT_TRUE(file.ok());
  const MappedFile moved = std::move(*file);
  moved.AdviseRandomAccess();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(moved.bytes().data()), moved.bytes().size()),
            "content");
}

TEST(MappedFile, EmptyFileIsAnEmptySpan) {
  test::TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "a", "").ok());
  EXPECT_TRUE(MappedFile::Open(folder / "a").value().bytes().empty());
}

TEST(MappedFile, RefusesMissingFilesAndFolders) {
  test::TemporaryFolder folder;
  EXPECT_EQ(MappedFile::Open(folder / "none").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(MappedFile::Open(folder.path()).status().code(), StatusCode::kIo);
}

}  // namespace
}  // namespace skald
