#include "decoder/kws/index_folder.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <map>
#include <sys/wait.h>
#include <thread>

#include "base/file.h"
#include "decoder/kws/query_evaluator.h"
#include "random_posterior_lattice.h"
#include "support/test_environment.h"

namespace skald::test {
namespace {

/// One word at one second, so that every file is found once.
PosteriorLattice OneWord(uint32_t word) {
  PosteriorLattice lattice;
  lattice.nodes = {{50, 1.0}, {60, 1.0}};
  lattice.arcs = {{0, 1, word, 50, 60, 1.0, true}};
  return lattice;
}

Status AddFiles(IndexFolder* folder, const std::vector<std::string>& paths, uint32_t word = 0) {
  SKALD_ASSIGN_OR_RETURN(IndexFolder::NewSegment segment, folder->CreateSegment());
  std::vector<CatalogueFile> files;
  for (const std::string& path : paths) {
    CatalogueFile file;
    SKALD_ASSIGN_OR_RETURN(file.id, folder->catalogue().ReserveFileIds(1));
    file.path = path;
    file.audio_s = 10;
    segment.writer.AddSource({file.id, path, 10, 0.02});
    SKALD_RETURN_IF_ERROR(segment.writer.AddUtterance(0, 0, 0, OneWord(word), WordName, 1e-3));
    files.push_back(file);
  }
  return folder->CommitSegment(std::move(segment), files);
}

/// How often each file that was not removed is found.
std::map<std::string, int> Found(const IndexFolder::View& view, const std::string& word = "wa") {
  std::map<std::string, int> found;
  std::set<uint64_t> removed;
  for (const RemovedFile& file : view.snapshot.removed) removed.insert(file.id);
  for (const IndexSegment& segment : view.segments) {
    for (const SegmentHit& hit : EvaluateQuery(segment, PhraseQuery({word})).value()) {
      const IndexSource source = segment.Source(hit.source).value();
      if (removed.count(source.file_id) == 0) ++found[std::string(source.path)];
    }
  }
  return found;
}

using Counts = std::map<std::string, int>;
bool All(const CatalogueSegment&) { return true; }

TEST(IndexFolder, AddsMergesRemovesAndReplaces) {
  TemporaryFolder temporary;
  IndexFolder folder = IndexFolder::OpenForWriting(temporary / "index").value();
  ASSERT_TRUE(AddFiles(&folder, {"a", "b"}).ok());
  ASSERT_TRUE(AddFiles(&folder, {"c"}).ok());
  EXPECT_EQ(Found(folder.OpenView().value()), (Counts{{"a", 1}, {"b", 1}, {"c", 1}}));

  const std::vector<std::string> gone = {"b", "nobody"};
  EXPECT_EQ(folder.catalogue().RemoveFiles(gone).value(), 1);
  EXPECT_EQ(Found(folder.OpenView().value()), (Counts{{"a", 1}, {"c", 1}}));

  ASSERT_TRUE(AddFiles(&folder, {"a"}, 1).ok());  // says something else now
  EXPECT_EQ(Found(folder.OpenView().value()), (Counts{{"c", 1}}));
  EXPECT_EQ(Found(folder.OpenView().value(), "wb"), (Counts{{"a", 1}}));

  const IndexFolder::View before = folder.OpenView().value();
  EXPECT_EQ(folder.Merge(All).value(), 3u);
  const IndexFolder::View after = folder.OpenView(true).value();
  ASSERT_EQ(after.segments.size(), 1u);
  EXPECT_TRUE(after.snapshot.removed.empty());
  EXPECT_EQ(after.segments[0].info().source_count, 2u);
  EXPECT_EQ(Found(after), (Counts{{"c", 1}}));
  EXPECT_EQ(Found(before), (Counts{{"c", 1}})) << "an open view outlives a merge";
  EXPECT_EQ(folder.Merge(All).value(), 0u) << "nothing left to do";
  EXPECT_EQ(folder.catalogue().FileCount().value(), 2);
  EXPECT_EQ(folder.catalogue().FindFile("a").value()->path, "a");
  EXPECT_FALSE(folder.catalogue().FindFile("b").value().has_value());
}

TEST(IndexFolder, SearchingGoesOnWhileOthersWrite) {
  TemporaryFolder temporary;
  const std::string path = temporary / "index";
  ASSERT_TRUE(IndexFolder::OpenForWriting(path).ok());
  std::atomic<int> added{0};
  std::atomic<bool> done{false};
  std::thread writer([&] {
    IndexFolder folder = IndexFolder::OpenForWriting(path).value();
    for (int i = 0; i < 40; ++i) {
      ASSERT_TRUE(AddFiles(&folder, {"f" + std::to_string(i)}).ok());
      ++added;
      if (i % 5 == 4) {
        ASSERT_TRUE(folder.Merge(All).ok());
      }
    }
    done = true;
  });
  int views = 0;
  IndexFolder folder = IndexFolder::Open(path).value();
  while (!done) {
    const int at_least = added;
    const auto view = folder.OpenView();
    ASSERT_TRUE(view.ok()) << view.status().ToString();
    const Counts found = Found(*view);
    EXPECT_GE(static_cast<int>(found.size()), at_least);
    for (const auto& [file, count] : found) EXPECT_EQ(count, 1) << file;
    ++views;
  }
  writer.join();
  EXPECT_GT(views, 5);
  EXPECT_EQ(Found(folder.OpenView().value()).size(), 40u);
}

/// Adds, removes and merges for ever; says on `descriptor` what has been committed.
[[noreturn]] void WriteUntilKilled(const std::string& path, int descriptor, int round) {
  auto folder = IndexFolder::OpenForWriting(path);
  if (!folder.ok()) ::_exit(1);
  for (int i = 0;; ++i) {
    const std::string name = "r" + std::to_string(round) + "-" + std::to_string(i);
    if (!AddFiles(&*folder, {name}).ok()) ::_exit(1);
    std::string line = "+" + name + "\n";
    if (::write(descriptor, line.data(), line.size()) < 0) ::_exit(1);
    if (i % 3 == 2) {
      line = "?" + name + "\n";
      if (::write(descriptor, line.data(), line.size()) < 0) ::_exit(1);
      if (!folder->catalogue().RemoveFiles(std::span(&name, 1)).ok()) ::_exit(1);
      line = "-" + name + "\n";
      if (::write(descriptor, line.data(), line.size()) < 0) ::_exit(1);
    }
    if (i % 4 == 3 && !folder->Merge(All).ok()) ::_exit(1);
  }
}

TEST(IndexFolder, SurvivesBeingKilledAtAnyMoment) {
  TemporaryFolder temporary;
  const std::string path = temporary / "index";
  std::mt19937_64 random(PropertySeed());
  std::map<std::string, char> expected;  // '+': there, '-': not there, '?': may be either
  for (int round = 0; round < 25; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(pipe_ends[0]);
      WriteUntilKilled(path, pipe_ends[1], round);
    }
    ::close(pipe_ends[1]);
    std::this_thread::sleep_for(std::chrono::microseconds(20'000 + random() % 150'000));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer failed by itself";
    std::string said;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(pipe_ends[0], buffer, sizeof buffer)) > 0;) {
      said.append(buffer, static_cast<size_t>(n));
    }
    ::close(pipe_ends[0]);
    for (size_t at = 0, end = 0; (end = said.find('\n', at)) != std::string::npos; at = end + 1) {
      expected[said.substr(at + 1, end - at - 1)] = said[at];
    }
    auto folder = IndexFolder::OpenForWriting(path);
    ASSERT_TRUE(folder.ok()) << folder.status().ToString();
    const auto view = folder->OpenView(/*verify_all=*/true);
    ASSERT_TRUE(view.ok()) << view.status().ToString();
    const Counts found = Found(*view);
    for (const auto& [name, state] : expected) {
      const auto place = found.find(name);
      EXPECT_FALSE(state == '+' && place == found.end()) << name << " was committed";
      EXPECT_FALSE(state == '-' && place != found.end()) << name << " was removed";
    }
    for (const auto& [name, count] : found) ASSERT_EQ(count, 1) << name;
    // What the killed writer left over is gone: catalogue, its companions, lock, known segments.
    size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      files += entry.path().filename().string().find(".kws") != std::string::npos ? 1 : 0;
    }
    EXPECT_EQ(files, view->segments.size());
  }
  EXPECT_GT(expected.size(), 25u);
}

TEST(IndexFolder, NamesWhatIsWrong) {
  TemporaryFolder temporary;
  const auto missing = IndexFolder::Open(temporary / "none");
  EXPECT_EQ(missing.status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(temporary / "none"));

  const std::string path = temporary / "index";
  {
    IndexFolder folder = IndexFolder::OpenForWriting(path).value();
    ASSERT_TRUE(AddFiles(&folder, {"a"}).ok());
    EXPECT_TRUE(folder.OpenView().ok());
  }
  const std::string catalogue = path + "/catalogue.sqlite";
  const auto set_version = [&](int version) {
    SqliteDatabase database = SqliteDatabase::Open(catalogue, false).value();
    ASSERT_TRUE(database.Execute(("PRAGMA user_version = " + std::to_string(version)).c_str()).ok());
  };
  set_version(7);
  const auto other = IndexFolder::Open(path);
  EXPECT_EQ(other.status().code(), StatusCode::kUnsupported);
  EXPECT_NE(other.status().ToString().find("catalogue version 7"), std::string::npos);
  EXPECT_NE(other.status().ToString().find(catalogue), std::string::npos);
  set_version(Catalogue::kVersion);

  IndexFolder folder = IndexFolder::Open(path).value();
  const std::string segment = folder.SegmentPath(folder.catalogue().Snapshot()->segments[0].name);
  const std::string good = ReadFile(segment).value();
  ASSERT_TRUE(WriteFileAtomically(segment, good.substr(0, good.size() - 3)).ok());
  const auto damaged = folder.OpenView();
  EXPECT_EQ(damaged.status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(damaged.status().file(), segment);
  std::filesystem::remove(segment);
  const auto lost = folder.OpenView();
  EXPECT_EQ(lost.status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(lost.status().file(), segment);

  ASSERT_TRUE(WriteFileAtomically(temporary / "text/catalogue.sqlite", "").code() == StatusCode::kNotFound);
  std::filesystem::create_directory(temporary / "text");
  ASSERT_TRUE(
      WriteFileAtomically(temporary / "text/catalogue.sqlite", "this is no database" + std::string(5000, 'x'))
          .ok());
  EXPECT_EQ(IndexFolder::Open(temporary / "text").status().code(), StatusCode::kCorrupt);
}

}  // namespace
}  // namespace skald::test
