#pragma once

#include <span>
#include <string>

#include "base/results.h"
#include "base/status.h"
#include "engine/endpointer.h"
#include "engine/segment_describer.h"

namespace skald {

/// Words of a segment without a decoding graph: those of GreedyDecoder. `spellings` as SpellUnits has them;
/// the scores are on the host, those of one head, of acoustic scale 1. No n-best list, no lattice. Fails as
/// GreedyDecoder::Advance. Thread safe.
StatusOr<Segment> DescribeGreedily(std::span<const std::string> spellings, const ScoreSegment& segment,
                                   const FrameClock& clock);

}  // namespace skald
