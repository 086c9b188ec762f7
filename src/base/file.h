#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace skald {

/// Reads a whole file of at most `max_bytes`; kResourceExhausted where it is larger.
StatusOr<std::string> ReadFile(const std::string& path, size_t max_bytes = size_t{1} << 30);

/// Reads a whole text file, decompressed where it is gzip (by content, not by name), of at most `max_bytes`
/// after decompression.
StatusOr<std::string> ReadMaybeGzippedFile(const std::string& path, size_t max_bytes = size_t{4} << 30);

/// A file that appears under its name only when complete: bytes go to a temporary file in the same folder,
/// Commit() flushes and renames it. Destroyed without Commit(), it leaves nothing behind. Move-only; not
/// thread safe.
class AtomicFile {
 public:
  static StatusOr<AtomicFile> Create(const std::string& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  Status Write(std::span<const std::byte> bytes);
  Status Write(std::string_view text);
  /// Bytes written so far.
  uint64_t size() const { return size_; }
  /// Overwrites bytes that were written before; for headers whose content is known only at the end.
  Status WriteAt(uint64_t offset, std::span<const std::byte> bytes);
  Status Commit();

 private:
  AtomicFile() = default;
  void Discard();
  int descriptor_ = -1;
  uint64_t size_ = 0;
  std::string path_;
  std::string temporary_path_;
};

/// Writes `text` to `path` atomically.
Status WriteFileAtomically(const std::string& path, std::string_view text);

}  // namespace skald
