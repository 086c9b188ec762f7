#include "base/spooled_text.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace skald {
namespace {

Status SystemError(const std::string& folder) {
  return Status::Io(std::string("temporary file: ") + std::strerror(errno)).InFile(folder);
}

/// A file without a name in `folder`; -1 and errno where there is none to be had.
int OpenUnnamed(const std::string& folder) {
  int descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0) return descriptor;
  // Not every file system has them.
  std::string name = folder + "/.spool-XXXXXX";
  descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor >= 0) ::unlink(name.c_str());
  return descriptor;
}

}  // namespace

SpooledText::SpooledText(SpooledText&& other) noexcept
    : folder_(other.folder_),
      max_in_memory_(other.max_in_memory_),
      held_(std::move(other.held_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

SpooledText::~SpooledText() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status SpooledText::Append(std::string_view text) {
  held_ += text;
  return held_.size() > max_in_memory_ ? Spill() : Status::Ok();
}

Status SpooledText::Spill() {
  if (descriptor_ < 0) descriptor_ = OpenUnnamed(folder_);
  if (descriptor_ < 0) return SystemError(folder_);
  for (std::string_view left = held_; !left.empty();) {
    const ssize_t count = ::write(descriptor_, left.data(), left.size());
    if (count < 0 && errno != EINTR) return SystemError(folder_);
    if (count > 0) left.remove_prefix(static_cast<size_t>(count));
  }
  held_.clear();
  return Status::Ok();
}

Status SpooledText::CopyTo(AtomicFile* file) const {
  if (descriptor_ >= 0) {
    std::string buffer(size_t{1} << 18, '\0');
    off_t offset = 0;
    for (;;) {
      const ssize_t count = ::pread(descriptor_, buffer.data(), buffer.size(), offset);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return SystemError(folder_);
      if (count == 0) break;
      SKALD_RETURN_IF_ERROR(file->Write(std::string_view(buffer).substr(0, static_cast<size_t>(count))));
      offset += count;
    }
  }
  return file->Write(held_);
}

}  // namespace skald
