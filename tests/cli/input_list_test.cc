#include "cli/input_list.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/test_environment.h"

namespace skald::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

std::vector<std::string> Stems(const std::vector<std::string>& named) {
  std::vector<std::string> stems;
  for (const Input& input : ExpandInputs(named).value()) stems.push_back(input.output_stem);
  return stems;
}

void Touch(const std::string& path, const std::string& text = "") {
  fs::create_directories(fs::path(path).parent_path());
  ASSERT_TRUE(WriteFileAtomically(path, text).ok());
}

TEST(ExpandInputs, FilesKeepTheirOrderAndLoseTheirEnding) {
  EXPECT_THAT(Stems({"/x/b.mp3", "a.wav", "-", "-"}), ElementsAre("b", "a", "standard-input"));
}

TEST(ExpandInputs, SharedStemsKeepTheirEndings) {
  EXPECT_THAT(Stems({"a.mp3", "a.wav", "other/a.wav"}), ElementsAre("a.mp3", "a.wav", "a.wav-2"));
}

TEST(ExpandInputs, FoldersAreSearchedForMediaInOrder) {
  test::TemporaryFolder folder;
  Touch(folder / "two/c.MP4");
  Touch(folder / "two/notes.pdf");
  Touch(folder / "b.opus");
  Touch(folder / "a.flac");
  EXPECT_THAT(Stems({folder.path()}), ElementsAre("a", "b", "two/c"));
}

TEST(ExpandInputs, ManifestsNamePathsRelativeToThemselves) {
  test::TemporaryFolder folder;
  Touch(folder / "list.txt", "sub/a.wav\n\n/abs/b.wav\r\n");
  Touch(folder / "list.jsonl", "{\"path\": \"c.wav\"}\n{\"audio_filepath\": \"d.wav\", \"duration\": 3}\n");
  const auto inputs = ExpandInputs({folder / "list.txt", folder / "list.jsonl"});
  ASSERT_TRUE(inputs.ok());
  ASSERT_EQ(inputs->size(), 4u);
  EXPECT_EQ((*inputs)[0].path, folder / "sub/a.wav");
  EXPECT_EQ((*inputs)[0].output_stem, "sub/a");
  EXPECT_EQ((*inputs)[1].path, "/abs/b.wav");
  EXPECT_EQ((*inputs)[3].path, folder / "d.wav");
}

TEST(ExpandInputs, OutputsNeverLeaveTheirFolder) {
  test::TemporaryFolder folder;
  Touch(folder / "list.txt",
        "../../../etc/passwd.wav\n..\n/../x.wav\n...\na/...\n.skald/jobs.wav\n.skald.wav\n");
  for (const Input& input : ExpandInputs({folder / "list.txt"}).value()) {
    EXPECT_FALSE(fs::path(input.output_stem).is_absolute());
    for (const fs::path& part : fs::path(input.output_stem)) {
      EXPECT_NE(part, "..") << input.output_stem;
      EXPECT_NE(part, ".skald") << input.output_stem;  // the journal of jobs
    }
  }
}

// Naming outputs once took time with the square of equal names: this would run for an hour.
TEST(ExpandInputs, ManyInputsOfOneNameTakeNoTime) {
  test::TemporaryFolder folder;
  std::string lines;
  for (int i = 0; i < 300'000; ++i) lines += "a.wav\n";
  Touch(folder / "list.txt", lines);
  EXPECT_EQ(ExpandInputs({folder / "list.txt"}).value().back().output_stem, "a.wav-300000");
}

TEST(ExpandInputs, BrokenManifestLineIsNamed) {
  test::TemporaryFolder folder;
  Touch(folder / "list.jsonl", "{\"path\": \"c.wav\"}\n{\"path\": 3}\n");
  const Status status = ExpandInputs({folder / "list.jsonl"}).status();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_EQ(status.position(), "line 2");
  EXPECT_EQ(ExpandInputs({folder / "none.txt"}).status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace skald::cli
