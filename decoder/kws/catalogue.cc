#include "decoder/kws/catalogue.h"

#include <string>
#include <utility>

#include "base/sqlite.h"

namespace skald {
namespace {

constexpr int kApplicationId = 0x534B4B57;  // "SKKW"

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

CatalogueFile FileOfRow(const SqliteRow& row) {
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

Catalogue::Catalogue(SqliteDatabase database) : database_(std::move(database)) {}

StatusOr<Catalogue> Catalogue::Open(const std::string& path) { return Open(path, false); }
StatusOr<Catalogue> Catalogue::OpenOrCreate(const std::string& path) { return Open(path, true); }

StatusOr<Catalogue> Catalogue::Open(const std::string& path, bool create) {
  StatusOr<SqliteDatabase> opened = SqliteDatabase::Open(path, create);
  if (opened.status().code() == StatusCode::kNotFound) {
    return Status::NotFound("there is no keyword index here, or it cannot be opened").InFile(path);
  }
  SKALD_ASSIGN_OR_RETURN(SqliteDatabase database, std::move(opened));
  SKALD_RETURN_IF_ERROR(database.Execute("PRAGMA synchronous = FULL"));

  int64_t application = 0, version = 0;
  const auto check = [&]() -> Status {
    SKALD_RETURN_IF_ERROR(
        database.Run("PRAGMA application_id", [&](const SqliteRow& row) { application = row.Integer(0); }));
    SKALD_RETURN_IF_ERROR(
        database.Run("PRAGMA user_version", [&](const SqliteRow& row) { version = row.Integer(0); }));
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
    SKALD_RETURN_IF_ERROR(database.Write([&]() -> Status {
      SKALD_RETURN_IF_ERROR(check());  // another process may have been first
      if (version != 0) return Status::Ok();
      SKALD_RETURN_IF_ERROR(database.Execute(kSchema));
      SKALD_RETURN_IF_ERROR(
          database.Execute(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str()));
      return database.Execute(("PRAGMA user_version = " + std::to_string(kVersion)).c_str());
    }));
  }
  return Catalogue(std::move(database));
}

StatusOr<CatalogueSnapshot> Catalogue::Snapshot() {
  CatalogueSnapshot snapshot;
  SKALD_RETURN_IF_ERROR(database_.Read([&]() -> Status {
    SKALD_RETURN_IF_ERROR(
        database_.Run("SELECT id, name, files, utterances, bytes, audio_s FROM segments ORDER BY id",
                      [&](const SqliteRow& row) {
                        snapshot.segments.push_back({row.Integer(0), row.Text(1), row.Integer(2),
                                                     row.Integer(3), row.Integer(4), row.Real(5)});
                      }));
    return database_.Run("SELECT id, segment, audio_s FROM removed ORDER BY id", [&](const SqliteRow& row) {
      snapshot.removed.push_back({static_cast<uint64_t>(row.Integer(0)), row.Integer(1), row.Real(2)});
    });
  }));
  return snapshot;
}

StatusOr<std::optional<CatalogueFile>> Catalogue::FindFile(const std::string& path) {
  std::optional<CatalogueFile> file;
  SKALD_RETURN_IF_ERROR(database_.Run(
      "SELECT id, path, segment, bytes, modified_ns, audio_s FROM files WHERE path = ?",
      [&](const SqliteRow& row) { file = FileOfRow(row); }, path));
  return file;
}

StatusOr<std::vector<CatalogueFile>> Catalogue::Files() {
  std::vector<CatalogueFile> files;
  SKALD_RETURN_IF_ERROR(
      database_.Run("SELECT id, path, segment, bytes, modified_ns, audio_s FROM files ORDER BY path",
                    [&](const SqliteRow& row) { files.push_back(FileOfRow(row)); }));
  return files;
}

StatusOr<int64_t> Catalogue::FileCount() {
  int64_t count = 0;
  SKALD_RETURN_IF_ERROR(
      database_.Run("SELECT count(*) FROM files", [&](const SqliteRow& row) { count = row.Integer(0); }));
  return count;
}

StatusOr<int64_t> Catalogue::Reserve(const char* counter, uint64_t count) {
  int64_t next = 0;
  SKALD_RETURN_IF_ERROR(database_.Write([&] {
    return database_.Run(
        "UPDATE counters SET next = next + ? WHERE name = ? RETURNING next",
        [&](const SqliteRow& row) { next = row.Integer(0); }, count, std::string_view(counter));
  }));
  return next - static_cast<int64_t>(count);
}

StatusOr<uint64_t> Catalogue::ReserveFileIds(uint64_t count) {
  SKALD_ASSIGN_OR_RETURN(const int64_t first, Reserve("file", count));
  return static_cast<uint64_t>(first);
}

StatusOr<int64_t> Catalogue::ReserveSegmentId() { return Reserve("segment", 1); }

Status Catalogue::InsertSegment(const CatalogueSegment& segment) {
  return database_.Run("INSERT INTO segments VALUES(?, ?, ?, ?, ?, ?)", {}, segment.id, segment.name,
                       segment.files, segment.utterances, segment.bytes, segment.audio_s);
}

Status Catalogue::RemoveFile(const std::string& path) {
  SKALD_RETURN_IF_ERROR(
      database_.Run("INSERT INTO removed SELECT id, segment, audio_s FROM files WHERE path = ?", {}, path));
  return database_.Run("DELETE FROM files WHERE path = ?", {}, path);
}

Status Catalogue::AddSegment(const CatalogueSegment& segment, std::span<const CatalogueFile> files) {
  return database_.Write([&]() -> Status {
    SKALD_RETURN_IF_ERROR(InsertSegment(segment));
    for (const CatalogueFile& file : files) {
      SKALD_RETURN_IF_ERROR(RemoveFile(file.path));
      SKALD_RETURN_IF_ERROR(database_.Run("INSERT INTO files VALUES(?, ?, ?, ?, ?, ?)", {}, file.id,
                                          file.path, segment.id, file.bytes, file.modified_ns, file.audio_s));
    }
    return Status::Ok();
  });
}

Status Catalogue::ReplaceSegments(const CatalogueSegment& merged, std::span<const int64_t> old_ids,
                                  std::span<const uint64_t> dropped) {
  return database_.Write([&]() -> Status {
    SKALD_RETURN_IF_ERROR(InsertSegment(merged));
    for (const uint64_t id : dropped) {
      SKALD_RETURN_IF_ERROR(database_.Run("DELETE FROM removed WHERE id = ?", {}, id));
    }
    for (const int64_t id : old_ids) {
      SKALD_RETURN_IF_ERROR(
          database_.Run("UPDATE files SET segment = ? WHERE segment = ?", {}, merged.id, id));
      SKALD_RETURN_IF_ERROR(
          database_.Run("UPDATE removed SET segment = ? WHERE segment = ?", {}, merged.id, id));
      SKALD_RETURN_IF_ERROR(database_.Run("DELETE FROM segments WHERE id = ?", {}, id));
    }
    return Status::Ok();
  });
}

StatusOr<int64_t> Catalogue::RemoveFiles(std::span<const std::string> paths) {
  int64_t count = 0;
  SKALD_RETURN_IF_ERROR(database_.Write([&]() -> Status {
    for (const std::string& path : paths) {
      SKALD_RETURN_IF_ERROR(RemoveFile(path));
      count += database_.changes();
    }
    return Status::Ok();
  }));
  return count;
}

}  // namespace skald
