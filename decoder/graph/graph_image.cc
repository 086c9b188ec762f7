#include "decoder/graph/graph_image.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "decoder/graph/graph_image_format.h"

namespace skald {
namespace {

using graph_format::Header;
using graph_format::Section;

Status CorruptSection(uint32_t section, const char* reason) {
  return CorruptSection(graph_format::kFormat, section, reason);
}

/// Which of the two formats the file is in; anything else is looked at as the newer one.
const SectionFileFormat& FormatOf(std::span<const std::byte> file) {
  SectionFileStart start{};
  std::ranges::copy(file.first(std::min(file.size(), sizeof start)),
                    std::as_writable_bytes(std::span(&start, 1)).begin());
  return start.version == graph_format::kFormat.version ? graph_format::kFormat
                                                        : graph_format::kExplicitFormat;
}

/// What sizes and counts of the header say of each other.
Status CheckCounts(const Header& header) {
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
  info.explicit_topology = header.start.version == graph_format::kExplicitFormat.version;
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
  if (Status status = ReadSectionHeader(FormatOf(bytes), bytes, &storage.header); !status.ok())
    return std::move(status).InFile(path);
  if (Status status = CheckCounts(storage.header); !status.ok()) return std::move(status).InFile(path);
  for (uint32_t section = 0; section < graph_format::kSectionCount; ++section) {
    storage.sections[section] = bytes.data() + storage.header.sections[section].offset;
    if (section == graph_format::kCells && !verify_cells) continue;
    if (Status status = CheckSection(graph_format::kFormat, bytes, storage.header.sections, section);
        !status.ok())
      return std::move(status).InFile(path);
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
  std::span<const std::byte> contents[graph_format::kSectionCount];
  for (uint32_t section = 0; section < graph_format::kSectionCount; ++section) {
    contents[section] = {storage.sections[section], storage.header.sections[section].size};
  }
  SKALD_RETURN_IF_ERROR(
      WriteSections(std::as_bytes(std::span(&storage.header, 1)), storage.header.sections, contents, &file));
  SKALD_CHECK(file.size() == storage.header.start.file_size, "sections do not add up to the file");
  return file.Commit();
}

}  // namespace skald
