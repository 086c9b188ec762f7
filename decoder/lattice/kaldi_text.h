#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "decoder/lattice/compact_lattice.h"

namespace skald {

/// What follows the line of the key in a text archive: the lines of the lattice and an empty one.
std::string WriteKaldiText(const CompactLattice& lattice);

/// Text archives as of Kaldi's lattice-copy ark,t: (docs/formats.md).
std::string WriteKaldiText(std::span<const CompactLattice> lattices);

/// Reads such an archive. States that the start does not reach are left out. kCorrupt, with the line, for a
/// field that is no number, costs that are not finite, cycles, a final state given twice, an archive that
/// ends inside a lattice.
StatusOr<std::vector<CompactLattice>> ReadKaldiText(std::string_view text);

}  // namespace skald
