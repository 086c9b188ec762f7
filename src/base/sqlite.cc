#include "base/sqlite.h"

#include <sqlite3.h>

#include <chrono>
#include <thread>
#include <utility>

namespace skald {
namespace {

constexpr int kBusyTimeoutMs = 60'000;

}  // namespace

int64_t SqliteRow::Integer(int column) const { return sqlite3_column_int64(statement_, column); }
double SqliteRow::Real(int column) const { return sqlite3_column_double(statement_, column); }
std::string SqliteRow::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (text == nullptr) return {};
  return {text, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

StatusOr<SqliteDatabase> SqliteDatabase::Open(const std::string& path, bool create) {
  SqliteDatabase database;
  database.path_ = path;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(path.c_str(), &database.database_, flags, nullptr);
  if (code == SQLITE_CANTOPEN && !create) return Status::NotFound("no such database").InFile(path);
  if (code != SQLITE_OK) return database.Error(code);
  sqlite3_busy_timeout(database.database_, kBusyTimeoutMs);
  // The mode stays with the file: one that somebody else made is not changed by looking at it.
  if (create) SKALD_RETURN_IF_ERROR(database.UseWriteAheadLog());
  SKALD_RETURN_IF_ERROR(database.Execute("PRAGMA synchronous = NORMAL"));
  return database;
}

SqliteDatabase::SqliteDatabase(SqliteDatabase&& other) noexcept { *this = std::move(other); }
SqliteDatabase& SqliteDatabase::operator=(SqliteDatabase&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(database_, other.database_);
  return *this;
}
SqliteDatabase::~SqliteDatabase() { sqlite3_close_v2(database_); }

Status SqliteDatabase::Error(int code) const {
  const std::string reason = database_ != nullptr ? sqlite3_errmsg(database_) : sqlite3_errstr(code);
  switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Status::Corrupt("the database is damaged: " + reason).InFile(path_);
    case SQLITE_NOMEM:
    case SQLITE_FULL:
      return Status::ResourceExhausted(reason).InFile(path_);
    default:
      return Status::Io(reason).InFile(path_);
  }
}

Status SqliteDatabase::Execute(const char* sql) {
  const int code = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status::Ok() : Error(code);
}

Status SqliteDatabase::UseWriteAheadLog() {
  // SQLite answers "busy" at once, without the time-out, where two processes change the mode of a new
  // database.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kBusyTimeoutMs);
  while (true) {
    const int code = sqlite3_exec(database_, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return Status::Ok();
    if ((code & 0xFF) != SQLITE_BUSY || std::chrono::steady_clock::now() > deadline) return Error(code);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

Status SqliteDatabase::Prepare(const char* sql, sqlite3_stmt** statement) {
  const int code = sqlite3_prepare_v2(database_, sql, -1, statement, nullptr);
  return code == SQLITE_OK ? Status::Ok() : Error(code);
}

Status SqliteDatabase::StepAll(sqlite3_stmt* statement, const std::function<void(const SqliteRow&)>& row) {
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    if (row) row(SqliteRow(statement));
  }
  Status status = code == SQLITE_DONE ? Status::Ok() : Error(code);
  sqlite3_finalize(statement);
  return status;
}

Status SqliteDatabase::Write(const std::function<Status()>& body) {
  return Transaction("BEGIN IMMEDIATE", body);
}
Status SqliteDatabase::Read(const std::function<Status()>& body) { return Transaction("BEGIN", body); }

Status SqliteDatabase::Transaction(const char* begin, const std::function<Status()>& body) {
  SKALD_RETURN_IF_ERROR(Execute(begin));
  Status status = body();
  if (status.ok()) status = Execute("COMMIT");
  if (!status.ok()) (void)Execute("ROLLBACK");
  return status;
}

int64_t SqliteDatabase::last_insert_id() const { return sqlite3_last_insert_rowid(database_); }
int64_t SqliteDatabase::changes() const { return sqlite3_changes64(database_); }

void SqliteDatabase::BindInteger(sqlite3_stmt* statement, int place, int64_t value) {
  sqlite3_bind_int64(statement, place, value);
}
void SqliteDatabase::BindReal(sqlite3_stmt* statement, int place, double value) {
  sqlite3_bind_double(statement, place, value);
}
void SqliteDatabase::BindText(sqlite3_stmt* statement, int place, std::string_view value) {
  sqlite3_bind_text(statement, place, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
}

}  // namespace skald
