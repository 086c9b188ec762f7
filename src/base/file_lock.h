#pragma once

#include <optional>
#include <string>

#include "base/status.h"

namespace skald {

/// An exclusive lock on a file, held while the object lives and given up by the system if the process dies.
/// The file is made where it does not exist, and stays. Move-only.
class FileLock {
 public:
  /// Waits for whoever has the lock. Fails with kIo.
  static StatusOr<FileLock> Acquire(const std::string& path);
  /// Nothing where somebody has it.
  static StatusOr<std::optional<FileLock>> TryAcquire(const std::string& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace skald
