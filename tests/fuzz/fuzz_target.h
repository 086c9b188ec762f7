#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/section_file.h"

/// What every target defines, as libFuzzer wants it: reads the bytes as its format. Whatever they are, it
/// must return 0 in time and memory that are in proportion to their number.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace skald::fuzz {

/// A file in memory that holds the bytes, for readers that want a path. Its name ends in `ending` where one
/// is given.
class InputFile {
 public:
  explicit InputFile(std::span<const uint8_t> bytes, const std::string& ending = "");
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  const std::string& path() const { return path_; }

 private:
  int descriptor_ = -1;
  std::string path_;
  bool linked_ = false;
};

inline std::string_view AsText(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Makes the length and the checksums of a file with sections right, so that what they protect is read at
/// all. `Header` is the one of graph, language model or index segment; nothing is done where the file is
/// shorter.
template <typename Header>
std::vector<uint8_t> WithRightChecksums(const uint8_t* data, size_t size) {
  std::vector<uint8_t> bytes(data, data + size);
  if (size < sizeof(Header)) return bytes;
  Header header;
  std::memcpy(&header, data, sizeof header);
  header.start.file_size = size;
  const auto all = std::as_bytes(std::span(bytes));
  for (auto& section : header.sections) {
    if (section.offset > size || section.size > size - section.offset) continue;
    section.checksum = Xxh64(all.subspan(section.offset, section.size));
  }
  header.checksum = SectionHeaderChecksum(std::as_bytes(std::span(&header, 1)));
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

}  // namespace skald::fuzz
