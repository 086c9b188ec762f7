#include "base/section_file.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/hash.h"

namespace skald {
namespace {

constexpr uint32_t kEndianMark = 0x01020304;
constexpr uint32_t kOtherEndianMark = 0x04030201;

bool HasMagic(const SectionFileFormat& format, std::span<const std::byte> file) {
  return file.size() >= format.magic.size() &&
         std::memcmp(file.data(), format.magic.data(), format.magic.size()) == 0;
}

Status NotOne(const SectionFileFormat& format, const char* why) {
  return Status::Corrupt(std::string("not a Skald ") + format.name + " (" + why + ")");
}

/// Sections may lie in any order.
Status CheckPlaces(const SectionFileFormat& format, uint64_t header_size, uint64_t file_size,
                   std::span<const SectionEntry> sections) {
  std::vector<uint32_t> order;
  for (uint32_t section = 0; section < sections.size(); ++section) {
    const SectionEntry& entry = sections[section];
    if (entry.offset % format.alignment != 0) return CorruptSection(format, section, "offset is not aligned");
    if (entry.offset > file_size || entry.size > file_size - entry.offset)
      return CorruptSection(format, section, "lies outside of the file");
    order.push_back(section);
  }
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    const SectionEntry &x = sections[a], &y = sections[b];
    return x.offset != y.offset ? x.offset < y.offset : x.size < y.size;
  });
  uint64_t end = header_size;
  for (const uint32_t section : order) {
    if (sections[section].offset < end)
      return CorruptSection(format, section, "lies over the header or another section");
    end = sections[section].offset + sections[section].size;
  }
  return Status::Ok();
}

}  // namespace

Status CorruptSection(const SectionFileFormat& format, uint32_t section, const char* reason) {
  return Status::Corrupt(reason).At(std::string("section \"") + format.section_names[section] + "\"");
}

Status HeaderIsTooShort(const SectionFileFormat& format, std::span<const std::byte> file) {
  if (!HasMagic(format, file)) return NotOne(format, "too short");
  return Status::Corrupt(std::string(format.name) + " is truncated inside its header");
}

Status CheckSectionHeader(const SectionFileFormat& format, std::span<const std::byte> file,
                          std::span<const std::byte> header, std::span<const SectionEntry> sections,
                          uint32_t section_count) {
  SectionFileStart start;
  std::memcpy(&start, header.data(), sizeof start);
  if (!HasMagic(format, header)) return NotOne(format, "wrong magic");
  if (start.endian_mark != kEndianMark) {
    return Status::Unsupported(start.endian_mark == kOtherEndianMark
                                   ? std::string("big-endian ") + format.name
                                   : std::string("byte order mark is damaged"));
  }
  if (start.version != format.version) {
    return Status::Unsupported(std::string(format.name) + " format version " + std::to_string(start.version) +
                               "; this program reads " + std::to_string(format.version));
  }
  uint64_t checksum = 0;
  std::memcpy(&checksum, header.last(sizeof checksum).data(), sizeof checksum);
  if (SectionHeaderChecksum(header) != checksum) return Status::Corrupt("header checksum does not match");
  if (start.file_size != file.size()) {
    return Status::Corrupt("file has " + std::to_string(file.size()) + " bytes, its header says " +
                           std::to_string(start.file_size));
  }
  if (section_count != sections.size()) return Status::Corrupt("wrong number of sections");
  return CheckPlaces(format, header.size(), file.size(), sections);
}

Status CheckSection(const SectionFileFormat& format, std::span<const std::byte> file,
                    std::span<const SectionEntry> sections, uint32_t section) {
  const SectionEntry& entry = sections[section];
  return Xxh64(file.subspan(entry.offset, entry.size)) == entry.checksum
             ? Status::Ok()
             : CorruptSection(format, section, "checksum does not match");
}

uint64_t PlaceSections(const SectionFileFormat& format, uint64_t header_size,
                       std::span<const std::span<const std::byte>> contents,
                       std::span<SectionEntry> sections) {
  SKALD_CHECK(contents.size() == sections.size(), "every section has its content");
  uint64_t end = header_size;
  for (size_t section = 0; section < sections.size(); ++section) {
    const uint64_t offset = (end + format.alignment - 1) / format.alignment * format.alignment;
    sections[section] = {offset, contents[section].size(), Xxh64(contents[section])};
    end = offset + contents[section].size();
  }
  return end;
}

void FillSectionHeader(const SectionFileFormat& format, uint64_t file_size, SectionFileStart* start) {
  SKALD_CHECK(format.magic.size() == sizeof start->magic, "a magic has 8 characters");
  std::memcpy(start->magic, format.magic.data(), sizeof start->magic);
  start->endian_mark = kEndianMark;
  start->version = format.version;
  start->file_size = file_size;
}

uint64_t SectionHeaderChecksum(std::span<const std::byte> header) {
  return Xxh64(header.first(header.size() - sizeof(uint64_t)));
}

Status WriteSections(std::span<const std::byte> header, std::span<const SectionEntry> sections,
                     std::span<const std::span<const std::byte>> contents, AtomicFile* file) {
  SKALD_RETURN_IF_ERROR(file->Write(header));
  for (size_t section = 0; section < sections.size(); ++section) {
    SKALD_RETURN_IF_ERROR(file->Write(std::string(sections[section].offset - file->size(), '\0')));
    SKALD_RETURN_IF_ERROR(file->Write(contents[section]));
  }
  return Status::Ok();
}

}  // namespace skald
