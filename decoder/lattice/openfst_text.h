#pragma once

#include <string>

#include "decoder/lattice/word_lattice.h"

namespace skald {

/// OpenFst's text form of the word lattice, arc type standard: costs in nats, graph plus acoustic.
std::string WriteOpenFstText(const WordLattice& words);

}  // namespace skald
