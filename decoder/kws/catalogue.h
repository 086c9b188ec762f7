#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/sqlite.h"
#include "base/status.h"

namespace skald {

/// An index segment as the catalogue knows it.
struct CatalogueSegment {
  int64_t id = 0;
  std::string name;   ///< of its file
  int64_t files = 0;  ///< removed ones included
  int64_t utterances = 0;
  int64_t bytes = 0;
  double audio_s = 0;
};

/// A media file that can be found.
struct CatalogueFile {
  uint64_t id = 0;
  std::string path;
  int64_t segment_id = 0;
  int64_t bytes = 0;        ///< of the media file when it was indexed
  int64_t modified_ns = 0;  ///< its time of modification then
  double audio_s = 0;
};

/// A file whose utterances are still in its segment, but must not be found.
struct RemovedFile {
  uint64_t id = 0;
  int64_t segment_id = 0;
  double audio_s = 0;
};

/// The state of an index at one moment.
struct CatalogueSnapshot {
  std::vector<CatalogueSegment> segments;  ///< by id
  std::vector<RemovedFile> removed;        ///< by id
};

/// The catalogue of a keyword index: an SQLite database (WAL) that says which segments and files there are.
/// Every change is one transaction, on disk when the function returns. Several processes may read while one
/// writes. Move-only; one thread at a time. Functions fail with kIo, kCorrupt for a damaged database,
/// kUnsupported for one of another version, naming the file.
class Catalogue {
 public:
  static constexpr int kVersion = 1;

  /// kNotFound where there is none.
  static StatusOr<Catalogue> Open(const std::string& path);
  /// Opens, and makes an empty one where there is none.
  static StatusOr<Catalogue> OpenOrCreate(const std::string& path);

  StatusOr<CatalogueSnapshot> Snapshot();
  StatusOr<std::optional<CatalogueFile>> FindFile(const std::string& path);
  /// By path.
  StatusOr<std::vector<CatalogueFile>> Files();
  StatusOr<int64_t> FileCount();

  /// Numbers that nobody else gets: the first of `count` for files, and one for a segment.
  StatusOr<uint64_t> ReserveFileIds(uint64_t count);
  StatusOr<int64_t> ReserveSegmentId();

  /// A new segment with its files. Files of the same path in other segments are removed, in the same
  /// transaction.
  Status AddSegment(const CatalogueSegment& segment, std::span<const CatalogueFile> files);
  /// `merged` takes the place of the segments `old_ids`; the files in `dropped` are no longer in it.
  Status ReplaceSegments(const CatalogueSegment& merged, std::span<const int64_t> old_ids,
                         std::span<const uint64_t> dropped);
  /// Makes files unfindable; returns how many of the paths there were.
  StatusOr<int64_t> RemoveFiles(std::span<const std::string> paths);

 private:
  explicit Catalogue(SqliteDatabase database);
  static StatusOr<Catalogue> Open(const std::string& path, bool create);
  StatusOr<int64_t> Reserve(const char* counter, uint64_t count);
  // Parts of transactions.
  Status InsertSegment(const CatalogueSegment& segment);
  Status RemoveFile(const std::string& path);

  SqliteDatabase database_;
};

}  // namespace skald
