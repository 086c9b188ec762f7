#include "decoder/graph/graph_image.h"

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "decoder/graph/graph_image_format.h"

namespace skald {
namespace {

using graph_format::Header;
using graph_format::Section;

constexpr const char* kSectionNames[graph_format::kSectionCount] = {
    "cells", "word offsets", "word text", "unit offsets", "unit text", "recipe"};

Status CorruptSection(uint32_t section, const char* reason) {
  return Status::Corrupt(reason).At(std::string("section \"") + kSectionNames[section] + "\"");
}

/// Checks everything of the header that needs no look at the sections.
Status CheckHeader(const Header& header, uint64_t file_size) {
  if (std::memcmp(header.magic, graph_format::kMagic, sizeof header.magic) != 0) {
    return Status::Corrupt("not a Skald graph (wrong magic)");
  }
  if (header.endian_mark != graph_format::kEndianMark) {
    return Status::Unsupported(header.endian_mark == 0x04030201u ? "big-endian graph"
                                                                 : "byte order mark is damaged");
  }
  if (header.version != graph_format::kVersion) {
    return Status::Unsupported("graph format version " + std::to_string(header.version) +
                               "; this program reads " + std::to_string(graph_format::kVersion));
  }
  const auto checked = std::as_bytes(std::span(&header, 1)).first(offsetof(Header, checksum));
  if (Xxh64(checked) != header.checksum) return Status::Corrupt("header checksum does not match");
  if (header.file_size != file_size) {
    return Status::Corrupt("file has " + std::to_string(file_size) + " bytes, its header says " +
                           std::to_string(header.file_size));
  }
  if (header.section_count != graph_format::kSectionCount) return Status::Corrupt("wrong number of sections");
  uint64_t end = sizeof(Header);
  for (uint32_t section = 0; section < graph_format::kSectionCount; ++section) {
    const auto& entry = header.sections[section];
    if (entry.offset % graph_format::kSectionAlignment != 0)
      return CorruptSection(section, "offset is not aligned");
    if (entry.offset < end || entry.offset > file_size || entry.size > file_size - entry.offset) {
      return CorruptSection(section, "lies outside of its place in the file");
    }
    end = entry.offset + entry.size;
  }
  const auto size_of = [&](Section section) { return header.sections[section].size; };
  constexpr uint64_t kMaxCells = uint64_t{1} << 32;
  if (header.cell_count > kMaxCells ||
      size_of(graph_format::kCells) != header.cell_count * sizeof(GraphCell) || header.state_count == 0 ||
      header.start_block >= header.cell_count ||
      header.state_count + header.emitting_arc_count + header.epsilon_arc_count > header.cell_count) {
    return CorruptSection(graph_format::kCells, "counts do not agree");
  }
  if (size_of(graph_format::kWordOffsets) != (uint64_t{header.word_count} + 1) * 4 ||
      header.word_count == 0) {
    return CorruptSection(graph_format::kWordOffsets, "size does not agree with the number of words");
  }
  if (size_of(graph_format::kUnitOffsets) != (uint64_t{header.unit_count} + 1) * 4 ||
      header.unit_count == 0 || header.unit_count > 65536) {
    return CorruptSection(graph_format::kUnitOffsets, "size does not agree with the number of units");
  }
  if (header.max_epsilon_rank > 65535 || !std::isfinite(header.min_arc_cost)) {
    return Status::Corrupt("epsilon rank or smallest cost is out of range");
  }
  return Status::Ok();
}

}  // namespace

void GraphImage::Storage::Describe() {
  info.state_count = header.state_count;
  info.emitting_arc_count = header.emitting_arc_count;
  info.epsilon_arc_count = header.epsilon_arc_count;
  info.cell_count = header.cell_count;
  info.start_block = header.start_block;
  info.unit_count = header.unit_count;
  info.max_epsilon_rank = static_cast<uint16_t>(header.max_epsilon_rank);
  info.min_arc_cost = header.min_arc_cost;
  info.recipe_json.assign(text(graph_format::kRecipe), header.sections[graph_format::kRecipe].size);
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(header.checksum));
  content_hash = hex;
}

Status GraphImage::CheckTables(const Storage& storage) {
  const auto check = [&](Section offsets_section, Section text_section, uint32_t count) {
    const uint32_t* offsets = storage.offsets(offsets_section);
    bool rising = offsets[0] == 0 && offsets[count] == storage.header.sections[text_section].size;
    for (uint32_t i = 0; i < count && rising; ++i) rising = offsets[i] <= offsets[i + 1];
    return rising ? Status::Ok()
                  : CorruptSection(offsets_section, "offsets do not rise from 0 to the text's size");
  };
  SKALD_RETURN_IF_ERROR(
      check(graph_format::kWordOffsets, graph_format::kWordText, storage.header.word_count));
  return check(graph_format::kUnitOffsets, graph_format::kUnitText, storage.header.unit_count);
}

GraphImage::GraphImage() = default;
GraphImage::GraphImage(GraphImage&&) noexcept = default;
GraphImage& GraphImage::operator=(GraphImage&&) noexcept = default;
GraphImage::~GraphImage() = default;

StatusOr<GraphImage> GraphImage::Open(const std::string& path, bool verify_cells) {
  SKALD_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  GraphImage image;
  image.storage_ = std::make_unique<Storage>();
  Storage& storage = *image.storage_;
  const auto bytes = file.bytes();
  if (bytes.size() < sizeof(Header)) {
    const bool has_magic = bytes.size() >= sizeof graph_format::kMagic &&
                           std::memcmp(bytes.data(), graph_format::kMagic, sizeof graph_format::kMagic) == 0;
    return Status::Corrupt(has_magic ? "graph is truncated inside its header"
                                     : "not a Skald graph (too short)")
        .InFile(path);
  }
  std::memcpy(&storage.header, bytes.data(), sizeof(Header));
  if (Status status = CheckHeader(storage.header, bytes.size()); !status.ok())
    return std::move(status).InFile(path);
  for (uint32_t section = 0; section < graph_format::kSectionCount; ++section) {
    const auto& entry = storage.header.sections[section];
    storage.sections[section] = bytes.data() + entry.offset;
    if (section == graph_format::kCells && !verify_cells) continue;
    if (Xxh64(bytes.subspan(entry.offset, entry.size)) != entry.checksum) {
      return CorruptSection(section, "checksum does not match").InFile(path);
    }
  }
  if (Status status = CheckTables(storage); !status.ok()) return std::move(status).InFile(path);
  storage.file = std::move(file);
  storage.Describe();
  image.cell_data_ = reinterpret_cast<const GraphCell*>(storage.sections[graph_format::kCells]);
  return image;
}

const GraphInfo& GraphImage::info() const { return storage_->info; }

std::span<const GraphCell> GraphImage::cells() const { return {cell_data_, storage_->info.cell_count}; }

std::string_view GraphImage::word(uint32_t word) const {
  const uint32_t* offsets = storage_->offsets(graph_format::kWordOffsets);
  return {storage_->text(graph_format::kWordText) + offsets[word], offsets[word + 1] - offsets[word]};
}

uint32_t GraphImage::word_count() const { return storage_->header.word_count; }

std::string_view GraphImage::unit(uint32_t unit) const {
  const uint32_t* offsets = storage_->offsets(graph_format::kUnitOffsets);
  return {storage_->text(graph_format::kUnitText) + offsets[unit], offsets[unit + 1] - offsets[unit]};
}

const std::string& GraphImage::content_hash() const { return storage_->content_hash; }

Status WriteGraphImage(const GraphImage& image, const std::string& path) {
  const GraphImage::Storage& storage = *image.storage_;
  SKALD_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  SKALD_RETURN_IF_ERROR(file.Write(std::as_bytes(std::span(&storage.header, 1))));
  const std::string zeros(graph_format::kSectionAlignment, '\0');
  for (uint32_t section = 0; section < graph_format::kSectionCount; ++section) {
    const auto& entry = storage.header.sections[section];
    SKALD_RETURN_IF_ERROR(file.Write(std::string_view(zeros).substr(0, entry.offset - file.size())));
    SKALD_RETURN_IF_ERROR(file.Write(std::span(storage.sections[section], entry.size)));
  }
  SKALD_CHECK(file.size() == storage.header.file_size, "sections do not add up to the file");
  return file.Commit();
}

}  // namespace skald
