#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <sys/stat.h>
#include <utility>

namespace skald {
namespace {

Status SystemError(int error, const std::string& path) {
  return Status(error == ENOENT ? StatusCode::kNotFound : StatusCode::kIo, std::strerror(error)).InFile(path);
}

}  // namespace

StatusOr<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return SystemError(errno, path);
  std::string text;
  char buffer[1 << 16];
  ssize_t count = 0;
  while ((count = ::read(descriptor, buffer, sizeof buffer)) != 0) {
    if (count < 0) {
      if (errno == EINTR) continue;
      const int error = errno;
      ::close(descriptor);
      return SystemError(error, path);
    }
    if (text.size() + static_cast<size_t>(count) > max_bytes) {
      ::close(descriptor);
      return Status::ResourceExhausted("larger than " + std::to_string(max_bytes) + " bytes").InFile(path);
    }
    text.append(buffer, static_cast<size_t>(count));
  }
  ::close(descriptor);
  return text;
}

StatusOr<std::string> ReadMaybeGzippedFile(const std::string& path, size_t max_bytes) {
  gzFile file = ::gzopen(path.c_str(), "rbe");
  if (file == nullptr) return SystemError(errno == 0 ? ENOMEM : errno, path);
  ::gzbuffer(file, 1 << 18);
  std::string text;
  std::string buffer(1 << 18, '\0');
  int count = 0;
  while ((count = ::gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()))) > 0) {
    if (text.size() + static_cast<size_t>(count) > max_bytes) {
      ::gzclose(file);
      return Status::ResourceExhausted("larger than " + std::to_string(max_bytes) + " bytes").InFile(path);
    }
    text.append(buffer.data(), static_cast<size_t>(count));
  }
  int code = Z_OK;
  const std::string message = ::gzerror(file, &code);
  const int system_error = errno;
  ::gzclose(file);
  if (code == Z_ERRNO) return SystemError(system_error, path);
  if (code != Z_OK && code != Z_STREAM_END) {
    return Status::Corrupt("gzip data is damaged or truncated: " + message)
        .InFile(path)
        .At("byte " + std::to_string(text.size()) + " after decompression");
  }
  return text;
}

StatusOr<AtomicFile> AtomicFile::Create(const std::string& path) {
  static std::atomic<unsigned> serial{0};
  AtomicFile file;
  file.path_ = path;
  file.temporary_path_ = path + ".part-" + std::to_string(::getpid()) + "-" + std::to_string(serial++);
  file.descriptor_ = ::open(file.temporary_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file.descriptor_ < 0) {
    const int error = errno;
    file.temporary_path_.clear();
    return SystemError(error, path);
  }
  return file;
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept { *this = std::move(other); }

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  std::swap(path_, other.path_);
  std::swap(temporary_path_, other.temporary_path_);
  return *this;
}

AtomicFile::~AtomicFile() { Discard(); }

void AtomicFile::Discard() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
    ::unlink(temporary_path_.c_str());
    descriptor_ = -1;
  }
}

Status AtomicFile::Write(std::span<const std::byte> bytes) {
  SKALD_RETURN_IF_ERROR(WriteAt(size_, bytes));
  size_ += bytes.size();
  return Status::Ok();
}

Status AtomicFile::Write(std::string_view text) {
  return Write(std::as_bytes(std::span(text.data(), text.size())));
}

Status AtomicFile::WriteAt(uint64_t offset, std::span<const std::byte> bytes) {
  SKALD_CHECK(descriptor_ >= 0, "AtomicFile used after Commit");
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0) {
      if (errno == EINTR) continue;
      return SystemError(errno, path_);
    }
    bytes = bytes.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
  return Status::Ok();
}

Status AtomicFile::Commit() {
  SKALD_CHECK(descriptor_ >= 0, "AtomicFile committed twice");
  if (::fsync(descriptor_) != 0 || ::rename(temporary_path_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    Discard();
    return SystemError(error, path_);
  }
  ::close(descriptor_);
  descriptor_ = -1;
  return Status::Ok();
}

Status WriteFileAtomically(const std::string& path, std::string_view text) {
  SKALD_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  SKALD_RETURN_IF_ERROR(file.Write(text));
  return file.Commit();
}

}  // namespace skald
