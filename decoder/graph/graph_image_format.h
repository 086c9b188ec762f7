#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "base/mapped_file.h"
#include "base/section_file.h"
#include "decoder/graph/graph_image.h"

// The bytes of a graph file (docs/formats.md) and the memory behind a GraphImage. Only graph_image*.cc
// includes this.
namespace skald {

namespace graph_format {

/// Sections in the order in which they lie in the file. Never renumber.
enum Section : uint32_t {
  kCells = 0,
  kWordOffsets,  ///< uint32[word_count + 1] into kWordText
  kWordText,
  kUnitOffsets,  ///< uint32[unit_count + 1] into kUnitText
  kUnitText,
  kRecipe,  ///< JSON, UTF-8
  kSectionCount,
};

/// First bytes of the file; the rest of the first page is zero.
struct Header {
  SectionFileStart start;
  uint64_t state_count;
  uint64_t emitting_arc_count;
  uint64_t epsilon_arc_count;
  uint64_t cell_count;
  uint32_t start_block;
  uint32_t unit_count;
  uint32_t word_count;
  uint32_t max_epsilon_rank;
  float min_arc_cost;
  uint32_t section_count;
  SectionEntry sections[kSectionCount];
  uint64_t checksum;  ///< XXH3-64 of all fields above; also the content hash
};
static_assert(sizeof(Header) == 16 + 5 * 8 + 6 * 4 + 6 * 24 + 8);

inline constexpr const char* kSectionNames[kSectionCount] = {"cells",        "word offsets", "word text",
                                                             "unit offsets", "unit text",    "recipe"};
/// The topology that arcs are read with is all that differs: of CTC, or all in the graph.
inline constexpr SectionFileFormat kFormat = {"graph", "SKALDGRF", 1, 4096, kSectionNames};
inline constexpr SectionFileFormat kExplicitFormat = {"graph", "SKALDGRF", 2, 4096, kSectionNames};

}  // namespace graph_format

/// Either a mapped file or owned memory; the pointers lead into whichever it is.
struct GraphImage::Storage {
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  std::optional<MappedFile> file;
  std::unique_ptr<GraphCell[], Free> owned_cells;
  std::string owned_tables[graph_format::kSectionCount];  ///< all sections but the cells

  graph_format::Header header{};
  GraphInfo info;
  std::string content_hash;
  const std::byte* sections[graph_format::kSectionCount] = {};

  const uint32_t* offsets(graph_format::Section section) const {
    return reinterpret_cast<const uint32_t*>(sections[section]);
  }
  const char* text(graph_format::Section section) const {
    return reinterpret_cast<const char*>(sections[section]);
  }
  /// Fills info and content_hash from the header and the recipe section.
  void Describe();
};

}  // namespace skald
