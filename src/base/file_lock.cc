#include "base/file_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sys/file.h>
#include <utility>

namespace skald {
namespace {

StatusOr<int> Open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) return Status::Io(std::strerror(errno)).InFile(path);
  return descriptor;
}

}  // namespace

StatusOr<FileLock> FileLock::Acquire(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const int descriptor, Open(path));
  FileLock lock(descriptor);
  while (::flock(descriptor, LOCK_EX) != 0) {
    if (errno != EINTR) return Status::Io(std::strerror(errno)).InFile(path);
  }
  return lock;
}

StatusOr<std::optional<FileLock>> FileLock::TryAcquire(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const int descriptor, Open(path));
  FileLock lock(descriptor);
  while (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::optional<FileLock>();
    if (errno != EINTR) return Status::Io(std::strerror(errno)).InFile(path);
  }
  return std::optional<FileLock>(std::move(lock));
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}
FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace skald
