#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sys/mman.h>

#include "fuzz/fuzz_target.h"

namespace skald::fuzz {

InputFile::InputFile(std::span<const uint8_t> bytes, const std::string& ending)
    : descriptor_(memfd_create("input", MFD_CLOEXEC)) {
  if (descriptor_ < 0) std::abort();
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written <= 0) std::abort();
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  path_ = "/proc/self/fd/" + std::to_string(descriptor_);
  if (ending.empty()) return;
  const std::filesystem::path link =
      std::filesystem::temp_directory_path() / ("skald-fuzz-" + std::to_string(::getpid()) + ending);
  std::filesystem::remove(link);
  std::filesystem::create_symlink(path_, link);
  path_ = link.string();
  linked_ = true;
}

InputFile::~InputFile() {
  if (linked_) std::filesystem::remove(path_);
  ::close(descriptor_);
}

}  // namespace skald::fuzz
