#include "decoder/kws/catalogue.h"

#include <sqlite3.h>

#include <functional>
#include <type_traits>

namespace skald {
namespace {

constexpr int kApplicationId = 0x534B4B57;  // "SKKW"
constexpr int kBusyTimeoutMs = 60'000;

constexpr char kSchema[] = R"(
CREATE TABLE segments(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, files INTEGER NOT NULL,
  utterances INTEGER NOT NULL, bytes INTEGER NOT NULL, audio_s REAL NOT NULL);
CREATE TABLE files(id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE,
  segment INTEGER NOT NULL REFERENCES segments(id), bytes INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
  audio_s REAL NOT NULL);
CREATE INDEX files_of_segment ON files(segment);
CREATE TABLE removed(id INTEGER PRIMARY KEY, segment INTEGER NOT NULL REFERENCES segments(id), audio_s REAL NOT NULL);
CREATE INDEX removed_of_segment ON removed(segment);
CREATE TABLE counters(name TEXT PRIMARY KEY, next INTEGER NOT NULL);
INSERT INTO counters VALUES('file', 1), ('segment', 1);
)";

}  // namespace

struct Catalogue::State {
  std::string path;
  sqlite3* database = nullptr;

  ~State() { sqlite3_close_v2(database); }

  Status Error(int code) const {
    const std::string reason = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
    switch (code & 0xFF) {
      case SQLITE_CORRUPT:
      case SQLITE_NOTADB:
        return Status::Corrupt("the catalogue is damaged: " + reason).InFile(path);
      case SQLITE_NOMEM:
        return Status::ResourceExhausted("catalogue: " + reason).InFile(path);
      default:
        return Status::Io("catalogue: " + reason).InFile(path);
    }
  }

  Status Execute(const char* sql) const {
    const int code = sqlite3_exec(database, sql, nullptr, nullptr, nullptr);
    return code == SQLITE_OK ? Status::Ok() : Error(code);
  }

  /// Everything in one transaction; undone where `body` fails.
  Status Transaction(const char* begin, const std::function<Status()>& body) const {
    SKALD_RETURN_IF_ERROR(Execute(begin));
    Status status = body();
    if (status.ok()) status = Execute("COMMIT");
    if (!status.ok()) (void)Execute("ROLLBACK");
    return status;
  }
  Status Write(const std::function<Status()>& body) const { return Transaction("BEGIN IMMEDIATE", body); }
  Status Read(const std::function<Status()>& body) const { return Transaction("BEGIN", body); }

  int64_t changes() const { return sqlite3_changes64(database); }
};

namespace {

/// A prepared statement; its parameters in the order of Run's arguments.
class Statement {
 public:
  Statement(sqlite3* database, const char* sql) {
    code_ = sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  /// Binds and runs; `row` is called for each row of the result. Returns an SQLite code.
  template <typename... Values>
  int Run(const std::function<void()>& row, const Values&... values) {
    if (code_ != SQLITE_OK) return code_;
    int place = 0;
    (Bind(++place, values), ...);
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(statement_)) == SQLITE_ROW) {
      if (row) row();
    }
    sqlite3_reset(statement_);
    return code == SQLITE_DONE ? SQLITE_OK : code;
  }

  int64_t Integer(int column) const { return sqlite3_column_int64(statement_, column); }
  double Real(int column) const { return sqlite3_column_double(statement_, column); }
  std::string Text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return text == nullptr ? std::string()
                           : std::string(text, static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
  }

 private:
  template <typename T>
  void Bind(int place, const T& value) {
    if constexpr (std::is_floating_point_v<T>) {
      sqlite3_bind_double(statement_, place, value);
    } else if constexpr (std::is_integral_v<T>) {
      sqlite3_bind_int64(statement_, place, static_cast<int64_t>(value));
    } else {
      sqlite3_bind_text(statement_, place, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
    }
  }
  sqlite3_stmt* statement_ = nullptr;
  int code_ = SQLITE_OK;
};

CatalogueFile FileOfRow(const Statement& row) {
  return {static_cast<uint64_t>(row.Integer(0)),
          row.Text(1),
          row.Integer(2),
          row.Integer(3),
          row.Integer(4),
          row.Real(5)};
}

constexpr char kRemoveFile[] = "INSERT INTO removed SELECT id, segment, audio_s FROM files WHERE path = ?";
constexpr char kDeleteFile[] = "DELETE FROM files WHERE path = ?";
constexpr char kInsertSegment[] = "INSERT INTO segments VALUES(?, ?, ?, ?, ?, ?)";

}  // namespace

Catalogue::Catalogue(std::unique_ptr<State> state) : state_(std::move(state)) {}
Catalogue::Catalogue(Catalogue&&) noexcept = default;
Catalogue& Catalogue::operator=(Catalogue&&) noexcept = default;
Catalogue::~Catalogue() = default;

StatusOr<Catalogue> Catalogue::Open(const std::string& path) { return Open(path, false); }
StatusOr<Catalogue> Catalogue::OpenOrCreate(const std::string& path) { return Open(path, true); }

StatusOr<Catalogue> Catalogue::Open(const std::string& path, bool create) {
  auto state = std::make_unique<State>();
  state->path = path;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(path.c_str(), &state->database, flags, nullptr);
  if (code == SQLITE_CANTOPEN && !create) {
    return Status::NotFound("there is no keyword index here, or it cannot be opened").InFile(path);
  }
  if (code != SQLITE_OK) return state->Error(code);
  sqlite3_busy_timeout(state->database, kBusyTimeoutMs);

  const auto pragma = [&](const char* sql, int64_t* value) {
    Statement statement(state->database, sql);
    const int result = statement.Run([&] { *value = statement.Integer(0); });
    return result == SQLITE_OK ? Status::Ok() : state->Error(result);
  };
  int64_t application = 0, version = 0;
  const auto check = [&]() -> Status {
    SKALD_RETURN_IF_ERROR(pragma("PRAGMA application_id", &application));
    SKALD_RETURN_IF_ERROR(pragma("PRAGMA user_version", &version));
    if (application == 0 && version == 0) {  // empty: its maker has not come far
      return create ? Status::Ok() : Status::NotFound("there is no keyword index here").InFile(path);
    }
    if (application != kApplicationId) {
      return Status::Corrupt("this database is not the catalogue of a keyword index").InFile(path);
    }
    if (version != kVersion) {
      return Status::Unsupported("catalogue version " + std::to_string(version) + "; this program reads " +
                                 std::to_string(kVersion))
          .InFile(path);
    }
    return Status::Ok();
  };
  SKALD_RETURN_IF_ERROR(check());
  if (version == 0) {
    SKALD_RETURN_IF_ERROR(state->Execute("PRAGMA journal_mode = WAL"));
    SKALD_RETURN_IF_ERROR(state->Write([&]() -> Status {
      SKALD_RETURN_IF_ERROR(check());  // another process may have been first
      if (version != 0) return Status::Ok();
      SKALD_RETURN_IF_ERROR(state->Execute(kSchema));
      SKALD_RETURN_IF_ERROR(
          state->Execute(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str()));
      return state->Execute(("PRAGMA user_version = " + std::to_string(kVersion)).c_str());
    }));
  }
  SKALD_RETURN_IF_ERROR(state->Execute("PRAGMA synchronous = FULL"));
  return Catalogue(std::move(state));
}

StatusOr<CatalogueSnapshot> Catalogue::Snapshot() {
  CatalogueSnapshot snapshot;
  SKALD_RETURN_IF_ERROR(state_->Read([&]() -> Status {
    Statement segments(state_->database,
                       "SELECT id, name, files, utterances, bytes, audio_s FROM segments ORDER BY id");
    int code = segments.Run([&] {
      snapshot.segments.push_back({segments.Integer(0), segments.Text(1), segments.Integer(2),
                                   segments.Integer(3), segments.Integer(4), segments.Real(5)});
    });
    if (code != SQLITE_OK) return state_->Error(code);
    Statement removed(state_->database, "SELECT id, segment, audio_s FROM removed ORDER BY id");
    code = removed.Run([&] {
      snapshot.removed.push_back(
          {static_cast<uint64_t>(removed.Integer(0)), removed.Integer(1), removed.Real(2)});
    });
    return code == SQLITE_OK ? Status::Ok() : state_->Error(code);
  }));
  return snapshot;
}

StatusOr<std::optional<CatalogueFile>> Catalogue::FindFile(const std::string& path) {
  std::optional<CatalogueFile> file;
  Statement select(state_->database,
                   "SELECT id, path, segment, bytes, modified_ns, audio_s FROM files WHERE path = ?");
  const int code = select.Run([&] { file = FileOfRow(select); }, path);
  if (code != SQLITE_OK) return state_->Error(code);
  return file;
}

StatusOr<std::vector<CatalogueFile>> Catalogue::Files() {
  std::vector<CatalogueFile> files;
  Statement select(state_->database,
                   "SELECT id, path, segment, bytes, modified_ns, audio_s FROM files ORDER BY path");
  const int code = select.Run([&] { files.push_back(FileOfRow(select)); });
  if (code != SQLITE_OK) return state_->Error(code);
  return files;
}

StatusOr<int64_t> Catalogue::FileCount() {
  int64_t count = 0;
  Statement select(state_->database, "SELECT count(*) FROM files");
  const int code = select.Run([&] { count = select.Integer(0); });
  if (code != SQLITE_OK) return state_->Error(code);
  return count;
}

StatusOr<uint64_t> Catalogue::ReserveFileIds(uint64_t count) {
  int64_t next = 0;
  SKALD_RETURN_IF_ERROR(state_->Write([&]() -> Status {
    Statement update(state_->database,
                     "UPDATE counters SET next = next + ? WHERE name = 'file' RETURNING next");
    const int code = update.Run([&] { next = update.Integer(0); }, count);
    return code == SQLITE_OK ? Status::Ok() : state_->Error(code);
  }));
  return static_cast<uint64_t>(next) - count;
}

StatusOr<int64_t> Catalogue::ReserveSegmentId() {
  int64_t next = 0;
  SKALD_RETURN_IF_ERROR(state_->Write([&]() -> Status {
    Statement update(state_->database,
                     "UPDATE counters SET next = next + 1 WHERE name = 'segment' RETURNING next");
    const int code = update.Run([&] { next = update.Integer(0); });
    return code == SQLITE_OK ? Status::Ok() : state_->Error(code);
  }));
  return next - 1;
}

Status Catalogue::AddSegment(const CatalogueSegment& segment, std::span<const CatalogueFile> files) {
  return state_->Write([&]() -> Status {
    Statement insert_segment(state_->database, kInsertSegment);
    int code = insert_segment.Run({}, segment.id, segment.name, segment.files, segment.utterances,
                                  segment.bytes, segment.audio_s);
    Statement remove(state_->database, kRemoveFile), erase(state_->database, kDeleteFile);
    Statement insert(state_->database, "INSERT INTO files VALUES(?, ?, ?, ?, ?, ?)");
    for (const CatalogueFile& file : files) {
      if (code == SQLITE_OK) code = remove.Run({}, file.path);
      if (code == SQLITE_OK) code = erase.Run({}, file.path);
      if (code == SQLITE_OK) {
        code = insert.Run({}, file.id, file.path, segment.id, file.bytes, file.modified_ns, file.audio_s);
      }
    }
    return code == SQLITE_OK ? Status::Ok() : state_->Error(code);
  });
}

Status Catalogue::ReplaceSegments(const CatalogueSegment& merged, std::span<const int64_t> old_ids,
                                  std::span<const uint64_t> dropped) {
  return state_->Write([&]() -> Status {
    Statement insert(state_->database, kInsertSegment);
    int code =
        insert.Run({}, merged.id, merged.name, merged.files, merged.utterances, merged.bytes, merged.audio_s);
    Statement forget(state_->database, "DELETE FROM removed WHERE id = ?");
    for (const uint64_t id : dropped) {
      if (code == SQLITE_OK) code = forget.Run({}, id);
    }
    Statement files(state_->database, "UPDATE files SET segment = ? WHERE segment = ?");
    Statement removed(state_->database, "UPDATE removed SET segment = ? WHERE segment = ?");
    Statement erase(state_->database, "DELETE FROM segments WHERE id = ?");
    for (const int64_t id : old_ids) {
      if (code == SQLITE_OK) code = files.Run({}, merged.id, id);
      if (code == SQLITE_OK) code = removed.Run({}, merged.id, id);
      if (code == SQLITE_OK) code = erase.Run({}, id);
    }
    return code == SQLITE_OK ? Status::Ok() : state_->Error(code);
  });
}

StatusOr<int64_t> Catalogue::RemoveFiles(std::span<const std::string> paths) {
  int64_t count = 0;
  SKALD_RETURN_IF_ERROR(state_->Write([&]() -> Status {
    Statement remove(state_->database, kRemoveFile), erase(state_->database, kDeleteFile);
    for (const std::string& path : paths) {
      int code = remove.Run({}, path);
      if (code == SQLITE_OK) code = erase.Run({}, path);
      if (code != SQLITE_OK) return state_->Error(code);
      count += state_->changes();
    }
    return Status::Ok();
  }));
  return count;
}

}  // namespace skald
