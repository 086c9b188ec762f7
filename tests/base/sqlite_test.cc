#include "base/sqlite.h"

#include <barrier>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "support/test_environment.h"

namespace skald::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Names(SqliteDatabase* database) {
  std::vector<std::string> names;
  EXPECT_TRUE(
      database
          ->Run("SELECT name FROM t ORDER BY id", [&](const SqliteRow& row) { names.push_back(row.Text(0)); })
          .ok());
  return names;
}

TEST(SqliteDatabase, KeepsWhatIsBound) {
  TemporaryFolder folder;
  {
    SqliteDatabase database = SqliteDatabase::Open(folder / "d", true).value();
    ASSERT_TRUE(database.Execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, share REAL)").ok());
    ASSERT_TRUE(
        database.Run("INSERT INTO t VALUES(?, ?, ?)", {}, int64_t{1} << 60, std::string("a\0b", 3), 0.25)
            .ok());
    EXPECT_EQ(database.last_insert_id(), int64_t{1} << 60);
    EXPECT_EQ(database.changes(), 1);
  }
  SqliteDatabase database = SqliteDatabase::Open(folder / "d", false).value();
  int rows = 0;
  ASSERT_TRUE(database
                  .Run("SELECT id, name, share FROM t",
                       [&](const SqliteRow& row) {
                         ++rows;
                         EXPECT_EQ(row.Integer(0), int64_t{1} << 60);
                         EXPECT_EQ(row.Text(1), std::string("a\0b", 3));
                         EXPECT_EQ(row.Real(2), 0.25);
                       })
                  .ok());
  EXPECT_EQ(rows, 1);
}

TEST(SqliteDatabase, IsMadeByManyAtOnce) {
  for (int round = 0; round < 20; ++round) {
    TemporaryFolder folder;
    constexpr int kMakers = 4;
    std::barrier start(kMakers);
    std::vector<std::thread> makers;
    for (int i = 0; i < kMakers; ++i) {
      makers.emplace_back([&] {
        start.arrive_and_wait();
        // Opened and closed over and over: the last to close removes the log that the next is about to read.
        for (int times = 0; times < 5; ++times) {
          StatusOr<SqliteDatabase> database = SqliteDatabase::Open(folder / "d", true);
          ASSERT_TRUE(database.ok()) << database.status().ToString();
          const Status written = database->Write([&]() -> Status {
            SKALD_RETURN_IF_ERROR(
                database->Execute("CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, name TEXT)"));
            return database->Run("INSERT INTO t(name) VALUES('a')", {});
          });
          ASSERT_TRUE(written.ok()) << written.ToString();
        }
      });
    }
    for (std::thread& maker : makers) maker.join();
    SqliteDatabase database = SqliteDatabase::Open(folder / "d", false).value();
    EXPECT_EQ(Names(&database).size(), size_t{kMakers * 5});
  }
}

TEST(SqliteDatabase, UndoesTransactionsThatFailAndReadsOneMoment) {
  TemporaryFolder folder;
  SqliteDatabase first = SqliteDatabase::Open(folder / "d", true).value();
  SqliteDatabase second = SqliteDatabase::Open(folder / "d", false).value();
  ASSERT_TRUE(first.Execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)").ok());
  const auto insert = [&](const char* name) {
    return first.Write(
        [&] { return first.Run("INSERT INTO t(name) VALUES(?)", {}, std::string_view(name)); });
  };
  ASSERT_TRUE(insert("a").ok());
  const Status failed = first.Write([&]() -> Status {
    SKALD_RETURN_IF_ERROR(first.Execute("DELETE FROM t"));
    return Status::Io("stop");
  });
  EXPECT_EQ(failed.code(), StatusCode::kIo);
  ASSERT_TRUE(second
                  .Read([&] {
                    EXPECT_THAT(Names(&second), ElementsAre("a"));
                    EXPECT_TRUE(insert("b").ok());
                    EXPECT_THAT(Names(&second), ElementsAre("a"));
                    return Status::Ok();
                  })
                  .ok());
  EXPECT_THAT(Names(&second), ElementsAre("a", "b"));
}

TEST(SqliteDatabase, NamesTheFileThatItCannotRead) {
  TemporaryFolder folder;
  EXPECT_EQ(SqliteDatabase::Open(folder / "none", false).status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(WriteFileAtomically(folder / "text", std::string(5000, 'x')).ok());
  const Status status = SqliteDatabase::Open(folder / "text", true).status();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_THAT(status.ToString(), HasSubstr("text"));
  EXPECT_EQ(ReadFile(folder / "text").value(), std::string(5000, 'x'));
}

}  // namespace
}  // namespace skald::test
