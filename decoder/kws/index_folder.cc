#include "decoder/kws/index_folder.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <sys/file.h>

namespace skald {
namespace {

namespace fs = std::filesystem;

constexpr char kCatalogueName[] = "catalogue.sqlite";
constexpr char kLockName[] = "lock";
constexpr char kSegmentEnding[] = ".kws";
constexpr char kPartMark[] = ".kws.part-";
constexpr int kViewAttempts = 100;

/// Held until it is destroyed; the system releases it when the process dies.
class WriterLock {
 public:
  static StatusOr<WriterLock> Take(const std::string& path) {
    WriterLock lock;
    lock.descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    int result = lock.descriptor_ < 0 ? -1 : 0;
    if (result == 0) {
      do result = ::flock(lock.descriptor_, LOCK_EX);
      while (result != 0 && errno == EINTR);
    }
    if (result != 0) return Status::Io(std::string("cannot lock: ") + std::strerror(errno)).InFile(path);
    return lock;
  }
  WriterLock(WriterLock&& other) noexcept { std::swap(descriptor_, other.descriptor_); }
  WriterLock& operator=(WriterLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~WriterLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  WriterLock() = default;
  int descriptor_ = -1;
};

/// Makes names of files in the folder durable.
Status SyncFolder(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool done = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  return done ? Status::Ok() : Status::Io(std::strerror(error)).InFile(folder);
}

/// Whether a name such as "7.kws.part-1234-0" is of a process that no longer runs.
bool WriterIsDead(const std::string& name) {
  const size_t mark = name.find(kPartMark);
  const long process = std::strtol(name.c_str() + mark + std::strlen(kPartMark), nullptr, 10);
  return process > 0 && ::kill(static_cast<pid_t>(process), 0) != 0 && errno == ESRCH;
}

CatalogueSegment Describe(int64_t id, const std::string& name, const IndexSegmentInfo& info) {
  return {id,
          name,
          static_cast<int64_t>(info.source_count),
          static_cast<int64_t>(info.utterance_count),
          static_cast<int64_t>(info.bytes),
          info.audio_s};
}

}  // namespace

StatusOr<IndexFolder> IndexFolder::Open(const std::string& folder) {
  SKALD_ASSIGN_OR_RETURN(Catalogue catalogue, Catalogue::Open(folder + "/" + kCatalogueName));
  return IndexFolder(folder, std::move(catalogue));
}

StatusOr<IndexFolder> IndexFolder::OpenForWriting(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Status::Io(error.message()).InFile(folder);
  SKALD_ASSIGN_OR_RETURN(Catalogue catalogue, Catalogue::OpenOrCreate(folder + "/" + kCatalogueName));
  IndexFolder index(folder, std::move(catalogue));
  SKALD_RETURN_IF_ERROR(index.DeleteLeftovers());
  return index;
}

Status IndexFolder::DeleteLeftovers() {
  SKALD_ASSIGN_OR_RETURN(const WriterLock lock, WriterLock::Take(folder_ + "/" + kLockName));
  SKALD_ASSIGN_OR_RETURN(const CatalogueSnapshot snapshot, catalogue_.Snapshot());
  std::set<std::string> known;
  for (const CatalogueSegment& segment : snapshot.segments) known.insert(segment.name);
  std::error_code error;
  std::vector<fs::path> leftovers;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.ends_with(kSegmentEnding) ? known.count(name) == 0
                                       : name.find(kPartMark) != std::string::npos && WriterIsDead(name)) {
      leftovers.push_back(it->path());
    }
  }
  for (const fs::path& path : leftovers) fs::remove(path, error);
  return Status::Ok();
}

StatusOr<IndexFolder::View> IndexFolder::OpenView(bool verify_all) {
  for (int attempt = 1;; ++attempt) {
    View view;
    SKALD_ASSIGN_OR_RETURN(view.snapshot, catalogue_.Snapshot());
    Status status;
    for (const CatalogueSegment& known : view.snapshot.segments) {
      auto segment = IndexSegment::Open(SegmentPath(known.name), verify_all);
      if (!segment.ok()) {
        status = std::move(segment).status();
        break;
      }
      view.segments.push_back(std::move(segment).value());
    }
    if (status.ok()) return view;
    if (status.code() != StatusCode::kNotFound || attempt == kViewAttempts) return status;
    SKALD_ASSIGN_OR_RETURN(const CatalogueSnapshot now, catalogue_.Snapshot());
    const bool same =
        std::equal(now.segments.begin(), now.segments.end(), view.snapshot.segments.begin(),
                   view.snapshot.segments.end(), [](const auto& a, const auto& b) { return a.id == b.id; });
    if (same) return Status::Corrupt("a segment of the index is missing").InFile(status.file());
  }
}

StatusOr<IndexFolder::NewSegment> IndexFolder::CreateSegment() {
  SKALD_ASSIGN_OR_RETURN(const int64_t id, catalogue_.ReserveSegmentId());
  const std::string name = std::to_string(id) + kSegmentEnding;
  SKALD_ASSIGN_OR_RETURN(IndexSegmentWriter writer, IndexSegmentWriter::Create(SegmentPath(name)));
  return NewSegment{id, name, std::move(writer)};
}

Status IndexFolder::CommitSegment(NewSegment segment, std::vector<CatalogueFile> files) {
  SKALD_ASSIGN_OR_RETURN(const WriterLock lock, WriterLock::Take(folder_ + "/" + kLockName));
  SKALD_RETURN_IF_ERROR(segment.writer.Commit());
  SKALD_RETURN_IF_ERROR(SyncFolder(folder_));
  SKALD_ASSIGN_OR_RETURN(const IndexSegment written, IndexSegment::Open(SegmentPath(segment.name)));
  return catalogue_.AddSegment(Describe(segment.id, segment.name, written.info()), files);
}

StatusOr<size_t> IndexFolder::Merge(const std::function<bool(const CatalogueSegment&)>& choose) {
  SKALD_ASSIGN_OR_RETURN(const WriterLock lock, WriterLock::Take(folder_ + "/" + kLockName));
  SKALD_ASSIGN_OR_RETURN(const View view, OpenView());
  std::vector<int64_t> old_ids;
  std::vector<std::string> old_names;
  std::set<int64_t> chosen;
  for (const CatalogueSegment& segment : view.snapshot.segments) {
    if (!choose(segment)) continue;
    old_ids.push_back(segment.id);
    old_names.push_back(segment.name);
    chosen.insert(segment.id);
  }
  std::set<uint64_t> removed;
  for (const RemovedFile& file : view.snapshot.removed) {
    if (chosen.count(file.segment_id) != 0) removed.insert(file.id);
  }
  if (old_ids.empty() || (old_ids.size() == 1 && removed.empty())) return size_t{0};

  SKALD_ASSIGN_OR_RETURN(NewSegment merged, CreateSegment());
  for (size_t i = 0; i < view.segments.size(); ++i) {
    if (chosen.count(view.snapshot.segments[i].id) == 0) continue;
    SKALD_RETURN_IF_ERROR(merged.writer.AddSegment(
        view.segments[i], [&](const IndexSource* source) { return removed.count(source->file_id) == 0; }));
  }
  SKALD_RETURN_IF_ERROR(merged.writer.Commit());
  SKALD_RETURN_IF_ERROR(SyncFolder(folder_));
  SKALD_ASSIGN_OR_RETURN(const IndexSegment written, IndexSegment::Open(SegmentPath(merged.name)));
  const std::vector<uint64_t> dropped(removed.begin(), removed.end());
  SKALD_RETURN_IF_ERROR(
      catalogue_.ReplaceSegments(Describe(merged.id, merged.name, written.info()), old_ids, dropped));
  std::error_code ignored;  // the next writer deletes what cannot be deleted now
  for (const std::string& name : old_names) fs::remove(SegmentPath(name), ignored);
  return old_ids.size();
}

}  // namespace skald
