#pragma once

#include <cstdint>
#include <vector>

#include "decoder/lattice/word_lattice.h"

namespace skald {

/// [nodes] Frames of the nodes that never fall along an arc: those of the nodes on the best path as they are,
/// others moved where a path that is not the best one to them comes from a later node. For formats in which a
/// node has one time.
std::vector<int32_t> RisingNodeFrames(const WordLattice& words);

}  // namespace skald
