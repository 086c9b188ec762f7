#include "base/file.h"

#include <zlib.h>

#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/test_environment.h"

namespace skald {
namespace {

using test::TemporaryFolder;

size_t EntriesIn(const std::string& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(AtomicFile, AppearsOnlyWithCommit) {
  TemporaryFolder folder;
  {
    auto file = AtomicFile::Create(folder / "a.txt");
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->Write("hello").ok());
    EXPECT_FALSE(std::filesystem::exists(folder / "a.txt"));
  }
  EXPECT_EQ(EntriesIn(folder.path()), 0u);
  ASSERT_TRUE(WriteFileAtomically(folder / "a.txt", "hello").ok());
  EXPECT_EQ(ReadFile(folder / "a.txt").value(), "hello");
  EXPECT_EQ(EntriesIn(folder.path()), 1u);
}

TEST(AtomicFile, HeaderCanBeWrittenLast) {
  TemporaryFolder folder;
  auto file = AtomicFile::Create(folder / "a.bin");
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->Write("????body").ok());
  ASSERT_TRUE(file->WriteAt(0, std::as_bytes(std::span("head", 4))).ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(ReadFile(folder / "a.bin").value(), "headbody");
}

TEST(AtomicFile, MissingFolderIsNamed) {
  const Status status = WriteFileAtomically("/nonexistent/folder/a.txt", "x");
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(status.file(), "/nonexistent/folder/a.txt");
}

TEST(ReadFile, RefusesMoreThanTheLimit) {
  TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "a", std::string(1000, 'x')).ok());
  EXPECT_EQ(ReadFile(folder / "a", 999).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(ReadFile(folder / "a", 1000).value().size(), 1000u);
}

std::string Gzip(const std::string& text, const std::string& path) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  return ReadFile(path).value();
}

TEST(ReadMaybeGzippedFile, ReadsPlainAndGzipAlike) {
  TemporaryFolder folder;
  const std::string text(100000, 'a');
  Gzip(text, folder / "a.gz");
  ASSERT_TRUE(WriteFileAtomically(folder / "a.txt", text).ok());
  EXPECT_EQ(ReadMaybeGzippedFile(folder / "a.gz").value(), text);
  EXPECT_EQ(ReadMaybeGzippedFile(folder / "a.txt").value(), text);
  EXPECT_EQ(ReadMaybeGzippedFile(folder / "a.gz", 99999).status().code(), StatusCode::kResourceExhausted);
}

TEST(ReadMaybeGzippedFile, TruncatedGzipIsCorrupt) {
  TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 20000; ++i) text += std::to_string(i * 7919 % 10007);
  const std::string packed = Gzip(text, folder / "a.gz");
  ASSERT_TRUE(WriteFileAtomically(folder / "b.gz", packed.substr(0, packed.size() / 2)).ok());
  const Status status = ReadMaybeGzippedFile(folder / "b.gz").status();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt) << status.ToString();
  EXPECT_EQ(status.file(), folder / "b.gz");
}

}  // namespace
}  // namespace skald
