#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/file.h"
#include "base/status.h"

// Files that are mapped as they lie: a header, and behind it sections, each aligned and with a checksum.
// Graph images, language models and index segments are such files (docs/formats.md). A header is a struct
// that starts with a SectionFileStart `start`, has `uint32_t section_count` and `SectionEntry sections[...]`,
// and ends with `uint64_t checksum`.

namespace skald {

static_assert(std::endian::native == std::endian::little,
              "the files are mapped, so the machine is little endian");

/// First bytes of the file.
struct SectionFileStart {
  char magic[8];
  uint32_t endian_mark;
  uint32_t version;
  uint64_t file_size;
};

struct SectionEntry {
  uint64_t offset;    ///< from the start of the file, a multiple of the format's alignment
  uint64_t size;      ///< bytes
  uint64_t checksum;  ///< XXH3-64 of the bytes
};

/// A kind of such files.
struct SectionFileFormat {
  const char* name;        ///< as messages have it: "graph"
  std::string_view magic;  ///< 8 characters
  uint32_t version;
  uint64_t alignment;  ///< of sections, a power of two
  std::span<const char* const> section_names;
};

/// kCorrupt, naming the section.
Status CorruptSection(const SectionFileFormat& format, uint32_t section, const char* reason);

/// What ReadSectionHeader checks, for a header that has been copied from the start of `file`.
Status CheckSectionHeader(const SectionFileFormat& format, std::span<const std::byte> file,
                          std::span<const std::byte> header, std::span<const SectionEntry> sections,
                          uint32_t section_count);
Status HeaderIsTooShort(const SectionFileFormat& format, std::span<const std::byte> file);

/// Copies the header from the start of `file` and checks magic, byte order, version, its checksum, the size
/// of the file, and that sections lie in the file, aligned, none over another or the header. Their contents
/// are CheckSection's. kCorrupt or kUnsupported (byte order, version).
template <typename Header>
Status ReadSectionHeader(const SectionFileFormat& format, std::span<const std::byte> file, Header* header) {
  if (file.size() < sizeof(Header)) return HeaderIsTooShort(format, file);
  std::memcpy(header, file.data(), sizeof(Header));
  return CheckSectionHeader(format, file, std::as_bytes(std::span(header, 1)), header->sections,
                            header->section_count);
}

/// Compares a section, which lies in the file, with its checksum; kCorrupt.
Status CheckSection(const SectionFileFormat& format, std::span<const std::byte> file,
                    std::span<const SectionEntry> sections, uint32_t section);

/// Entries of sections of these contents, one behind the other behind a header of `header_size` bytes.
/// Returns where the last one ends.
uint64_t PlaceSections(const SectionFileFormat& format, uint64_t header_size,
                       std::span<const std::span<const std::byte>> contents,
                       std::span<SectionEntry> sections);

void FillSectionHeader(const SectionFileFormat& format, uint64_t file_size, SectionFileStart* start);
uint64_t SectionHeaderChecksum(std::span<const std::byte> header);

/// Fills what every header has, last its checksum.
template <typename Header>
void SealSectionHeader(const SectionFileFormat& format, uint64_t file_size, Header* header) {
  FillSectionHeader(format, file_size, &header->start);
  header->section_count = static_cast<uint32_t>(std::size(header->sections));
  header->checksum = SectionHeaderChecksum(std::as_bytes(std::span(header, 1)));
}

/// Writes header and contents to a file that is empty, each section in its place; PlaceSections has placed
/// them.
Status WriteSections(std::span<const std::byte> header, std::span<const SectionEntry> sections,
                     std::span<const std::span<const std::byte>> contents, AtomicFile* file);

}  // namespace skald
