#include "engine/file_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sys/file.h>
#include <utility>

namespace skald {
namespace {

namespace fs = std::filesystem;

/// An exclusive lock on a file, held while the object lives; released by the system if the process dies.
class FileLock {
 public:
  static StatusOr<FileLock> Acquire(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0 || ::flock(descriptor, LOCK_EX) != 0) {
      const Status status = Status::Io(std::strerror(errno)).InFile(path);
      if (descriptor >= 0) ::close(descriptor);
      return status;
    }
    return FileLock(descriptor);
  }
  FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FileLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace

StatusOr<std::string> CachedFile(const std::string& path, const std::function<Status()>& make) {
  std::error_code error;
  if (fs::exists(path, error)) return path;
  const fs::path folder = fs::path(path).parent_path();
  fs::create_directories(folder, error);
  if (error) return Status::Io(error.message()).InFile(folder.string());

  SKALD_ASSIGN_OR_RETURN(const FileLock lock, FileLock::Acquire(path + ".lock"));
  if (fs::exists(path, error)) return path;  // made by another process while this one waited
  SKALD_RETURN_IF_ERROR(make());
  fs::remove(path + ".lock", error);
  return path;
}

}  // namespace skald
