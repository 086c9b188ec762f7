#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "decoder/lattice/word_lattice.h"

namespace skald {

/// HTK's standard lattice format: node times in seconds, words on links, log likelihoods in nats: a =
/// -acoustic cost, l = -graph cost. Links with !NULL lead from the final nodes to one last node. `spelling`
/// names a word; `frame_shift_s` is the time between score rows. An empty `key` is left out.
std::string WriteHtkSlf(const WordLattice& words, std::string_view key,
                        const std::function<std::string_view(uint32_t)>& spelling, double frame_shift_s);

}  // namespace skald
