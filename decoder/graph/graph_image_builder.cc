#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <tuple>

#include "base/hash.h"
#include "decoder/graph/graph_image.h"
#include "decoder/graph/graph_image_format.h"

namespace skald {
namespace {

constexpr uint32_t kMaxEmittingArcs = (1u << 20) - 1;
constexpr uint32_t kMaxEpsilonArcs = (1u << 12) - 1;

std::string OffsetsOf(const std::vector<std::string>& strings, std::string* text) {
  std::vector<uint32_t> offsets{0};
  for (const std::string& string : strings) {
    text->append(string);
    offsets.push_back(static_cast<uint32_t>(text->size()));
  }
  return {reinterpret_cast<const char*>(offsets.data()), offsets.size() * sizeof(uint32_t)};
}

uint64_t TextSize(const std::vector<std::string>& strings) {
  uint64_t size = 0;
  for (const std::string& string : strings) size += string.size();
  return size;
}

uint64_t AlignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

/// Longest path of epsilon arcs that ends in each state, by Kahn's topological order; a cycle leaves states
/// over.
StatusOr<std::vector<uint16_t>> EpsilonRanks(const std::vector<uint64_t>& first_arc,
                                             const std::vector<GraphImageBuilder::Arc>& arcs) {
  const size_t state_count = first_arc.size() - 1;
  std::vector<uint32_t> rank(state_count, 0), open_predecessors(state_count, 0);
  for (const auto& arc : arcs) {
    if (arc.unit == 0) ++open_predecessors[arc.next_state];
  }
  std::vector<uint32_t> ready;
  for (uint32_t state = 0; state < state_count; ++state) {
    if (open_predecessors[state] == 0) ready.push_back(state);
  }
  size_t settled = 0;
  while (!ready.empty()) {
    const uint32_t state = ready.back();
    ready.pop_back();
    ++settled;
    for (uint64_t a = first_arc[state]; a < first_arc[state + 1]; ++a) {
      if (arcs[a].unit != 0) continue;
      const uint32_t next = arcs[a].next_state;
      rank[next] = std::max(rank[next], rank[state] + 1);
      if (--open_predecessors[next] == 0) ready.push_back(next);
    }
  }
  if (settled < state_count) {
    // A state left over may lie behind a cycle, but has a predecessor that is left over: walk backwards into
    // the cycle.
    std::vector<uint32_t> predecessor(state_count, 0);
    for (uint32_t state = 0; state < state_count; ++state) {
      if (open_predecessors[state] == 0) continue;
      for (uint64_t a = first_arc[state]; a < first_arc[state + 1]; ++a) {
        if (arcs[a].unit == 0) predecessor[arcs[a].next_state] = state;
      }
    }
    uint32_t state = 0;
    while (open_predecessors[state] == 0) ++state;
    for (size_t step = 0; step < state_count; ++step) state = predecessor[state];
    return Status::InvalidArgument("epsilon cycle through state " + std::to_string(state));
  }
  std::vector<uint16_t> narrow(state_count);
  for (size_t state = 0; state < state_count; ++state) {
    if (rank[state] > 65535) return Status::InvalidArgument("more than 65535 epsilon ranks");
    narrow[state] = static_cast<uint16_t>(rank[state]);
  }
  return narrow;
}

}  // namespace

GraphImageBuilder::GraphImageBuilder(std::vector<std::string> units, std::vector<std::string> words)
    : units_(std::move(units)), words_(std::move(words)) {}

void GraphImageBuilder::AddState(float final_cost, std::span<const Arc> arcs) {
  final_costs_.push_back(final_cost);
  arcs_.insert(arcs_.end(), arcs.begin(), arcs.end());
  first_arc_.push_back(arcs_.size());
}

Status GraphImageBuilder::CheckStates() const {
  const size_t state_count = final_costs_.size();
  if (units_.empty() || units_.size() > 65536)
    return Status::InvalidArgument("a graph needs 1 to 65536 units");
  if (words_.empty() || !words_[0].empty())
    return Status::InvalidArgument("entry 0 of the word table must be empty");
  if (TextSize(units_) > UINT32_MAX || TextSize(words_) > UINT32_MAX) {
    return Status::ResourceExhausted("word or unit names take more than 4 GiB");
  }
  if (start_ >= state_count) return Status::InvalidArgument("no start state");
  for (size_t state = 0; state < state_count; ++state) {
    const auto fail = [&](const std::string& reason) {
      return Status::InvalidArgument(reason).At("state " + std::to_string(state));
    };
    const float final_cost = final_costs_[state];
    if (std::isnan(final_cost) || final_cost == -INFINITY)
      return fail("final cost is not a number or -infinity");
    uint64_t epsilon_arcs = 0;
    for (uint64_t a = first_arc_[state]; a < first_arc_[state + 1]; ++a) {
      const Arc& arc = arcs_[a];
      if (arc.next_state >= state_count) return fail("arc leads to state " + std::to_string(arc.next_state));
      if (!std::isfinite(arc.cost)) return fail("arc cost is not finite");
      if (arc.unit >= units_.size()) return fail("arc has unit " + std::to_string(arc.unit));
      if (arc.word >= words_.size()) return fail("arc has word " + std::to_string(arc.word));
      if (arc.flags > (arc.unit == 0 ? 0 : kArcWordSeparator))
        return fail("arc has flags that do not fit its unit");
      epsilon_arcs += arc.unit == 0;
    }
    const uint64_t emitting_arcs = first_arc_[state + 1] - first_arc_[state] - epsilon_arcs;
    if (epsilon_arcs > kMaxEpsilonArcs) return fail(std::to_string(epsilon_arcs) + " epsilon arcs");
    if (emitting_arcs > kMaxEmittingArcs) return fail(std::to_string(emitting_arcs) + " emitting arcs");
  }
  return Status::Ok();
}

StatusOr<GraphImage> GraphImageBuilder::Build() && {
  SKALD_RETURN_IF_ERROR(CheckStates());
  SKALD_ASSIGN_OR_RETURN(const std::vector<uint16_t> ranks, EpsilonRanks(first_arc_, arcs_));
  const size_t state_count = final_costs_.size();

  std::vector<uint32_t> block(state_count);
  uint64_t cell_count = 0;
  for (size_t state = 0; state < state_count; ++state) {
    if (cell_count > UINT32_MAX) return Status::ResourceExhausted("graph needs more than 2^32 cells");
    block[state] = static_cast<uint32_t>(cell_count);
    cell_count = AlignUp(cell_count + 1 + first_arc_[state + 1] - first_arc_[state], 2);
  }

  GraphImage image;
  image.storage_ = std::make_unique<GraphImage::Storage>();
  GraphImage::Storage& storage = *image.storage_;
  const uint64_t cell_bytes = cell_count * sizeof(GraphCell);
  storage.owned_cells.reset(
      static_cast<GraphCell*>(std::aligned_alloc(4096, static_cast<size_t>(AlignUp(cell_bytes, 4096)))));
  if (storage.owned_cells == nullptr) {
    return Status::ResourceExhausted("no memory for a graph of " + std::to_string(cell_bytes) + " bytes");
  }
  GraphCell* cells = storage.owned_cells.get();
  std::memset(cells, 0, cell_bytes);

  graph_format::Header& header = storage.header;
  float min_cost = INFINITY;
  for (size_t state = 0; state < state_count; ++state) {
    const auto arcs = std::span(arcs_).subspan(first_arc_[state], first_arc_[state + 1] - first_arc_[state]);
    const auto key = [](const Arc& arc) {
      return std::make_tuple(arc.unit == 0, arc.unit, arc.next_state, arc.word, arc.cost, arc.flags);
    };
    std::sort(arcs.begin(), arcs.end(), [&](const Arc& a, const Arc& b) { return key(a) < key(b); });
    uint32_t epsilon_arcs = 0;
    GraphCell* cell = cells + block[state];
    for (const Arc& arc : arcs) {
      epsilon_arcs += arc.unit == 0;
      min_cost = std::min(min_cost, arc.cost);
      const GraphArc laid_out{block[arc.next_state], arc.cost + 0.0f, arc.unit, arc.flags,
                              arc.word};  // -0 to +0
      std::memcpy(++cell, &laid_out, sizeof laid_out);
    }
    const uint32_t emitting_arcs = static_cast<uint32_t>(arcs.size()) - epsilon_arcs;
    const bool is_final = final_costs_[state] != INFINITY;
    const StateHeader state_header{
        emitting_arcs | epsilon_arcs << 20, final_costs_[state], static_cast<uint32_t>(state), ranks[state],
        static_cast<uint16_t>((is_final ? kStateFinal : 0) | (epsilon_arcs > 0 ? kStateHasEpsilonArcs : 0))};
    std::memcpy(cells + block[state], &state_header, sizeof state_header);
    header.emitting_arc_count += emitting_arcs;
    header.epsilon_arc_count += epsilon_arcs;
  }

  std::string* tables = storage.owned_tables;
  tables[graph_format::kWordOffsets] = OffsetsOf(words_, &tables[graph_format::kWordText]);
  tables[graph_format::kUnitOffsets] = OffsetsOf(units_, &tables[graph_format::kUnitText]);
  tables[graph_format::kRecipe] = std::move(recipe_json_);

  header.state_count = state_count;
  header.cell_count = cell_count;
  header.start_block = block[start_];
  header.unit_count = static_cast<uint32_t>(units_.size());
  header.word_count = static_cast<uint32_t>(words_.size());
  header.max_epsilon_rank = *std::max_element(ranks.begin(), ranks.end());
  header.min_arc_cost = arcs_.empty() ? 0 : min_cost;
  std::span<const std::byte> contents[graph_format::kSectionCount];
  for (uint32_t section = 0; section < graph_format::kSectionCount; ++section) {
    contents[section] = section == graph_format::kCells
                            ? std::as_bytes(std::span(cells, cell_count))
                            : std::as_bytes(std::span(tables[section].data(), tables[section].size()));
    storage.sections[section] = contents[section].data();
  }
  const SectionFileFormat& format =
      explicit_topology_ ? graph_format::kExplicitFormat : graph_format::kFormat;
  const uint64_t file_size = PlaceSections(format, sizeof header, contents, header.sections);
  SealSectionHeader(format, file_size, &header);
  storage.Describe();
  image.cell_data_ = cells;
  return image;
}

}  // namespace skald
