#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace skald {

/// A row of a result; valid inside the call that hands it out.
class SqliteRow {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  int64_t Integer(int column) const;
  double Real(int column) const;
  std::string Text(int column) const;

 private:
  sqlite3_stmt* statement_;
};

/// An SQLite database, in write-ahead mode where it was made here: several processes may read and write, each
/// transaction is there as a whole or not at all, whenever a process dies. Move-only; one thread at a time.
/// Errors name the file: kCorrupt where it is damaged or no database, kResourceExhausted, else kIo.
class SqliteDatabase {
 public:
  /// Opens the file, making it where it does not exist and `create`; kNotFound where not. Other processes
  /// that write are waited for, a minute at most. A commit survives the end of the process; to have it
  /// survive a loss of power too, execute "PRAGMA synchronous = FULL".
  static StatusOr<SqliteDatabase> Open(const std::string& path, bool create);
  SqliteDatabase(SqliteDatabase&& other) noexcept;
  SqliteDatabase& operator=(SqliteDatabase&& other) noexcept;
  ~SqliteDatabase();

  /// Runs statements without parameters.
  Status Execute(const char* sql);

  /// Runs one statement with its parameters (numbers and texts) in order; `row` is called for every row of
  /// the result and may be empty.
  template <typename... Values>
  Status Run(const char* sql, const std::function<void(const SqliteRow&)>& row, const Values&... values) {
    sqlite3_stmt* statement = nullptr;
    SKALD_RETURN_IF_ERROR(Prepare(sql, &statement));
    int place = 0;
    (Bind(statement, ++place, values), ...);
    return StepAll(statement, row);
  }

  /// Everything that `body` does in one transaction that may write; undone where it fails.
  Status Write(const std::function<Status()>& body);
  /// Everything that `body` reads as it is at one moment.
  Status Read(const std::function<Status()>& body);

  int64_t last_insert_id() const;
  /// Rows that the last statement changed.
  int64_t changes() const;

 private:
  SqliteDatabase() = default;
  Status Error(int code) const;
  Status UseWriteAheadLog();
  Status Transaction(const char* begin, const std::function<Status()>& body);
  Status Prepare(const char* sql, sqlite3_stmt** statement);
  /// Ends the statement.
  Status StepAll(sqlite3_stmt* statement, const std::function<void(const SqliteRow&)>& row);
  static void BindInteger(sqlite3_stmt* statement, int place, int64_t value);
  static void BindReal(sqlite3_stmt* statement, int place, double value);
  static void BindText(sqlite3_stmt* statement, int place, std::string_view value);

  template <typename T>
  static void Bind(sqlite3_stmt* statement, int place, const T& value) {
    if constexpr (std::is_floating_point_v<T>) {
      BindReal(statement, place, value);
    } else if constexpr (std::is_integral_v<T>) {
      BindInteger(statement, place, static_cast<int64_t>(value));
    } else {
      BindText(statement, place, value);
    }
  }

  std::string path_;
  sqlite3* database_ = nullptr;
};

}  // namespace skald
