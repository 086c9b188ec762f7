#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/status.h"

namespace skald {

/// Text that grows at its end and is copied to a file at last. Little of it is held in memory; more goes to a
/// file without a name, which the system removes however the process ends. Move-only; not thread safe.
class SpooledText {
 public:
  /// The file would be made in `folder`, which exists. `max_in_memory`: larger holds more files' texts
  /// without touching the disk.
  explicit SpooledText(std::string folder, size_t max_in_memory = size_t{1} << 18)
      : folder_(std::move(folder)), max_in_memory_(max_in_memory) {}
  SpooledText(SpooledText&& other) noexcept;
  SpooledText& operator=(SpooledText&&) = delete;
  ~SpooledText();

  Status Append(std::string_view text);
  /// Appends all of it to `file`.
  Status CopyTo(AtomicFile* file) const;

  /// A file was made.
  bool on_disk() const { return descriptor_ >= 0; }

 private:
  Status Spill();

  const std::string folder_;
  const size_t max_in_memory_;
  std::string held_;  // what is not in the file yet
  int descriptor_ = -1;
};

}  // namespace skald
