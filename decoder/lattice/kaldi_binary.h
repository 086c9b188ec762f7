#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "decoder/lattice/compact_lattice.h"

namespace skald {

/// What follows the key and a space in a binary archive: an OpenFst VectorFst with arcs of type
/// compactlattice44 (Kaldi: fstext/lattice-weight.h, lat/kaldi-lattice.cc).
std::string WriteKaldiBinary(const CompactLattice& lattice);

/// Binary archives as of Kaldi's lattice-copy ark: (docs/formats.md).
std::string WriteKaldiBinary(std::span<const CompactLattice> lattices);

/// Reads such an archive. States that the start does not reach are left out. kCorrupt, with the byte, for an
/// archive that ends inside a lattice, sizes beyond its end, states and words out of range, costs that are
/// not finite, cycles, arcs whose two labels differ. kUnsupported for other types of FSTs, arcs and versions,
/// and for symbol tables inside. Memory stays in proportion to the archive's size.
StatusOr<std::vector<CompactLattice>> ReadKaldiBinary(std::string_view archive);

}  // namespace skald
