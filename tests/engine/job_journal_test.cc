#include "engine/job_journal.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <sys/wait.h>
#include <thread>

#include "base/file.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;
using Redo = JobJournal::Redo;

class JobJournalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"a", "b", "c", "d"}) {
      const std::string path = folder_ / (std::string(name) + ".wav");
      ASSERT_TRUE(WriteFileAtomically(path, name).ok());
      files_.push_back({path, name});
    }
  }
  std::unique_ptr<JobJournal> Open(Redo redo = Redo::kNothing, const std::string& options = "txt") {
    auto journal = JobJournal::Open(out(), files_, options, redo);
    EXPECT_TRUE(journal.ok()) << journal.status().ToString();
    return std::move(journal).value();
  }
  std::string out() const { return folder_ / "out"; }
  /// Claims and finishes what is left; the stems.
  std::vector<std::string> DoAll(JobJournal* journal, const std::string& failing = "") {
    std::vector<std::string> stems;
    for (;;) {
      auto file = journal->Claim();
      EXPECT_TRUE(file.ok()) << file.status().ToString();
      if (!file.ok() || !*file) return stems;
      stems.push_back((*file)->output_stem);
      JobOutcome outcome;
      if (stems.back() == failing) {
        outcome.status = Status::Corrupt("no audio").InFile((*file)->path);
      } else {
        EXPECT_TRUE(WriteFileAtomically(out() + "/" + stems.back() + ".txt", "words").ok());
        outcome.outputs = {stems.back() + ".txt"};
        outcome.audio_s = 10;
      }
      EXPECT_TRUE(journal->Finish(**file, outcome).ok());
    }
  }

  test::TemporaryFolder folder_;
  std::vector<JobFile> files_;
};

TEST_F(JobJournalTest, DoesEveryFileOnce) {
  EXPECT_EQ(DoAll(Open().get()), (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_TRUE(DoAll(Open().get()).empty());
  const auto summary = JobJournal::ReadSummary(out());
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->done, 4);
  EXPECT_EQ(summary->files(), 4);
  EXPECT_EQ(summary->audio_s, 40);
}

TEST_F(JobJournalTest, DoesAgainWhatChangedOrIsMissing) {
  DoAll(Open().get());
  ASSERT_TRUE(WriteFileAtomically(files_[1].path, "another recording").ok());
  fs::remove(out() + "/c.txt");
  EXPECT_EQ(DoAll(Open().get()), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(DoAll(Open(Redo::kAll).get()).size(), 4u);
  EXPECT_EQ(DoAll(Open(Redo::kNothing, "txt,json").get()).size(), 4u);
}

TEST_F(JobJournalTest, KeepsFailuresWithTheirReasonsUntilAskedToTryAgain) {
  DoAll(Open().get(), "b");
  auto summary = JobJournal::ReadSummary(out());
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->failed, 1);
  ASSERT_EQ(summary->failures.size(), 1u);
  EXPECT_EQ(summary->failures[0].path, files_[1].path);
  EXPECT_THAT(summary->failures[0].reason, HasSubstr("no audio"));
  EXPECT_TRUE(DoAll(Open().get()).empty());
  EXPECT_EQ(DoAll(Open(Redo::kFailed).get()), (std::vector<std::string>{"b"}));
  EXPECT_EQ(JobJournal::ReadSummary(out())->failed, 0);
}

TEST_F(JobJournalTest, TwoAtWorkShareTheFiles) {
  for (int i = 0; i < 200; ++i)
    files_.push_back({folder_ / "many" + std::to_string(i), "m" + std::to_string(i)});
  const auto one = Open(), two = Open();
  std::vector<std::string> by_one, by_two;
  std::thread other([&] { by_two = DoAll(two.get()); });
  by_one = DoAll(one.get());
  other.join();
  std::set<std::string> all(by_one.begin(), by_one.end());
  all.insert(by_two.begin(), by_two.end());
  EXPECT_EQ(all.size(), files_.size());
  EXPECT_EQ(by_one.size() + by_two.size(), files_.size());
  EXPECT_FALSE(JobJournal::Open(out(), files_, "other options", Redo::kNothing).ok());
}

TEST_F(JobJournalTest, TakesOverWhatADeadProcessHadClaimed) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto journal = JobJournal::Open(out(), files_, "txt", Redo::kNothing);
    if (!journal.ok() || !(*journal)->Claim().ok()) ::_exit(1);
    fs::create_directories(out());
    // What an interrupted AtomicFile leaves behind.
    (void)WriteFileAtomically(out() + "/a.txt.part-" + std::to_string(::getpid()) + "-0", "half");
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(JobJournal::ReadSummary(out())->running, 1);
  const auto journal = Open();
  EXPECT_EQ(DoAll(journal.get()).size(), 4u);
  for (const auto& entry : fs::directory_iterator(out())) {
    EXPECT_EQ(entry.path().string().find(".part-"), std::string::npos) << entry.path();
  }
}

TEST_F(JobJournalTest, GivesBackClaimsWhenItIsClosed) {
  ASSERT_TRUE(Open()->Claim()->has_value());
  EXPECT_EQ(JobJournal::ReadSummary(out())->waiting, 4);
}

TEST_F(JobJournalTest, BadFoldersAndDamagedJournalsAreNamed) {
  EXPECT_EQ(JobJournal::ReadSummary(folder_ / "none").status().code(), StatusCode::kNotFound);
  fs::create_directories(out() + "/.skald");
  ASSERT_TRUE(WriteFileAtomically(out() + "/.skald/jobs.sqlite", std::string(5000, 'x')).ok());
  const Status status = JobJournal::Open(out(), files_, "txt", Redo::kNothing).status();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_THAT(status.ToString(), HasSubstr("jobs.sqlite"));
}

}  // namespace
}  // namespace skald
