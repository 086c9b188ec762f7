#include "base/mapped_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <sys/stat.h>
#include <utility>

namespace skald {

StatusOr<MappedFile> MappedFile::Open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    const StatusCode code = errno == ENOENT ? StatusCode::kNotFound : StatusCode::kIo;
    return Status(code, std::strerror(errno)).InFile(path);
  }
  struct stat info {};
  MappedFile file;
  file.path_ = path;
  int error = 0;
  if (::fstat(descriptor, &info) != 0) {
    error = errno;
  } else if (!S_ISREG(info.st_mode)) {
    ::close(descriptor);
    return Status::Io("not a regular file").InFile(path);
  } else if (info.st_size > 0) {
    file.size_ = static_cast<size_t>(info.st_size);
    void* data = ::mmap(nullptr, file.size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (data == MAP_FAILED) {
      error = errno;
      file.size_ = 0;
    } else {
      file.data_ = static_cast<const std::byte*>(data);
    }
  }
  ::close(descriptor);
  if (error != 0) return Status::Io(std::strerror(error)).InFile(path);
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept { *this = std::move(other); }

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(path_, other.path_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::AdviseRandomAccess() const {
  if (data_ == nullptr) return;
  ::madvise(const_cast<std::byte*>(data_), size_, MADV_RANDOM);
  ::madvise(const_cast<std::byte*>(data_), size_, MADV_HUGEPAGE);
}

}  // namespace skald
