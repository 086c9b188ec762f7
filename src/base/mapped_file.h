#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/status.h"

namespace skald {

/// A file mapped read-only into memory. Move-only; the bytes live as long as the object. Reading concurrently
/// is safe.
class MappedFile {
 public:
  /// Maps all of `path`. Fails with kNotFound, or kIo for anything else the system reports. An empty file
  /// maps to an empty span.
  static StatusOr<MappedFile> Open(const std::string& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

  /// Tells the system that the pages will be needed soon and, where possible, should be huge.
  void AdviseRandomAccess() const;

 private:
  MappedFile() = default;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  std::string path_;
};

}  // namespace skald
