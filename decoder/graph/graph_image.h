#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/graph_cell.h"
#include "base/status.h"

namespace skald {

/// What is known of a graph without looking at its states.
struct GraphInfo {
  uint64_t state_count = 0;
  uint64_t emitting_arc_count = 0;
  uint64_t epsilon_arc_count = 0;
  uint64_t cell_count = 0;
  uint32_t start_block = 0;
  uint32_t unit_count = 0;  ///< score columns, blank included
  uint16_t max_epsilon_rank = 0;
  float min_arc_cost = 0;  ///< smallest cost of any arc
  /// The graph holds every frame of every path: self-loops are arcs, the search adds neither blanks nor
  /// repeats, and score column 0 is read by no arc. False: the CTC topology is implied.
  bool explicit_topology = false;
  std::string recipe_json;  ///< how it was built: sources with hashes, options
};

/// A decoding graph in memory: mapped from a file, or owned. Move-only; all const members may be called from
/// any thread. See docs/formats.md for the file layout.
class GraphImage {
 public:
  /// Maps a graph file. Checks magic, version, every section's bounds and the checksum of the tables; the
  /// checksum of the cells (hundreds of megabytes) only where `verify_cells`. Cell contents are
  /// bounds-checked by CheckGraph.
  static StatusOr<GraphImage> Open(const std::string& path, bool verify_cells = false);

  GraphImage(GraphImage&&) noexcept;
  GraphImage& operator=(GraphImage&&) noexcept;
  ~GraphImage();

  const GraphInfo& info() const;
  std::span<const GraphCell> cells() const;
  const StateHeader& header(uint32_t block) const {
    return reinterpret_cast<const StateHeader&>(cell_data_[block]);
  }
  /// Emitting arcs of a state, sorted by unit.
  std::span<const GraphArc> emitting_arcs(uint32_t block) const {
    return {reinterpret_cast<const GraphArc*>(cell_data_ + block + 1), header(block).emitting_arcs()};
  }
  std::span<const GraphArc> epsilon_arcs(uint32_t block) const {
    return {reinterpret_cast<const GraphArc*>(cell_data_ + block + 1 + header(block).emitting_arcs()),
            header(block).epsilon_arcs()};
  }
  const GraphArc& arc(uint32_t cell) const { return reinterpret_cast<const GraphArc&>(cell_data_[cell]); }

  /// Spelling of a word; index 0 is the empty string. `word` below word_count().
  std::string_view word(uint32_t word) const;
  uint32_t word_count() const;
  /// Name of a unit (score column); `unit` below info().unit_count.
  std::string_view unit(uint32_t unit) const;

  /// Hex XXH3-64 over all sections: the graph's identity in transcripts and caches.
  const std::string& content_hash() const;

 private:
  friend class GraphImageBuilder;
  friend Status WriteGraphImage(const GraphImage& image, const std::string& path);
  struct Storage;
  GraphImage();
  static Status CheckTables(const Storage& storage);
  std::unique_ptr<Storage> storage_;
  const GraphCell* cell_data_ = nullptr;
};

/// Collects states and arcs and lays them out as an image. Not thread safe.
class GraphImageBuilder {
 public:
  /// `units` names the score columns, blank first; `words` the word table, entry 0 empty.
  GraphImageBuilder(std::vector<std::string> units, std::vector<std::string> words);

  /// A source arc: `next_state` is a dense state number.
  struct Arc {
    uint32_t next_state = 0;
    float cost = 0;
    uint16_t unit = 0;
    uint16_t flags = 0;
    uint32_t word = 0;
  };

  /// Adds the next state (numbers 0, 1, 2, ... in order of calls) with all its arcs in any order.
  void AddState(float final_cost, std::span<const Arc> arcs);
  void SetStart(uint32_t state) { start_ = state; }
  void SetExplicitTopology() { explicit_topology_ = true; }
  void SetRecipe(std::string recipe_json) { recipe_json_ = std::move(recipe_json); }

  /// Lays out the blocks in the order of state numbers. Fails with kInvalidArgument on: no start, a
  /// next_state or word or unit out of range, a cost that is not finite, flags on an epsilon arc, a degree
  /// beyond the header's bits, an epsilon cycle (named by one of its states), more than 65,535 epsilon ranks;
  /// with kResourceExhausted on more than 2^32 cells. The same states, arcs (in any order) and recipe give
  /// the same bytes.
  StatusOr<GraphImage> Build() &&;

 private:
  Status CheckStates() const;

  std::vector<std::string> units_, words_;
  std::vector<float> final_costs_;
  std::vector<uint64_t> first_arc_{0};
  std::vector<Arc> arcs_;
  uint32_t start_ = std::numeric_limits<uint32_t>::max();
  bool explicit_topology_ = false;
  std::string recipe_json_ = "{}";
};

/// Writes an image to a file, atomically.
Status WriteGraphImage(const GraphImage& image, const std::string& path);

}  // namespace skald
