#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "decoder/kws/posterior_lattice.h"

namespace skald {

/// Where an utterance lies: frame f of it begins at start_s + f * the frame shift of its source.
struct UtterancePlace {
  uint32_t source = 0;
  uint32_t track = 0;
  uint32_t channel = 0;
  double start_s = 0;
};

/// A posterior lattice and its place as the bytes that an index segment stores (docs/formats.md). The words
/// are term numbers of the segment. `number` is that of the utterance in its segment.
std::string EncodeUtterance(const UtterancePlace& place, const PosteriorLattice& lattice, uint32_t number);

/// The place only; the checksum of the whole record is checked. kCorrupt for anything that EncodeUtterance
/// cannot have written.
StatusOr<UtterancePlace> DecodePlace(std::span<const std::byte> record, uint32_t number);

/// Everything, into `lattice`, whose memory is used again. Terms are below `term_count`, frames and arcs make
/// a graph in topological order.
StatusOr<UtterancePlace> DecodeUtterance(std::span<const std::byte> record, uint32_t number,
                                         uint32_t term_count, PosteriorLattice* lattice);

}  // namespace skald
