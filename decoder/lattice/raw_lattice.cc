#include "decoder/lattice/raw_lattice.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/hash.h"

namespace skald {

uint64_t SurvivorHash(const RawLattice& lattice, std::span<const uint32_t> state_names) {
  using Record = std::array<uint32_t, 8>;
  const auto name = [&](uint32_t orig_state) {
    return state_names.empty() ? orig_state : state_names[orig_state];
  };
  const auto unit_and_kind = [](const RawLatticeState& state) {
    return uint32_t{state.unit} | uint32_t{state.entry} << 16 | uint32_t{state.boost} << 18;
  };
  std::vector<Record> records;
  records.reserve(lattice.arcs.size());
  for (const RawLatticeArc& arc : lattice.arcs) {
    const RawLatticeState& source = lattice.states[arc.source];
    const RawLatticeState& destination = lattice.states[arc.destination];
    const uint32_t consumes = lattice.consumes_frame(arc);
    records.push_back({static_cast<uint32_t>(source.frame), name(source.orig_state),
                       unit_and_kind(source) | consumes << 17, name(destination.orig_state),
                       unit_and_kind(destination), arc.word, std::bit_cast<uint32_t>(arc.graph_cost),
                       std::bit_cast<uint32_t>(arc.acoustic_cost)});
  }
  for (const RawLatticeState& state : lattice.states) {
    if (state.final_cost == std::numeric_limits<float>::infinity()) continue;
    records.push_back({static_cast<uint32_t>(state.frame), name(state.orig_state), unit_and_kind(state),
                       0xFFFFFFFFu, 0xFFFFFFFFu, 0, std::bit_cast<uint32_t>(state.final_cost), 0});
  }
  std::sort(records.begin(), records.end());
  return Xxh64(std::as_bytes(std::span(records)));
}

}  // namespace skald
