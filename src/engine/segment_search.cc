#include "engine/segment_search.h"

#include "base/check.h"

namespace skald {

StatusOr<RawLattice> SegmentSearch::Search(const ScoreSegment& segment) {
  search_.Begin(boost_);
  for (const ScoreRows& piece : segment.pieces) {
    SKALD_CHECK(!piece.on_device, "the CPU was to search scores on a device");
    SKALD_RETURN_IF_ERROR(search_.Advance(piece.nll));
  }
  return search_.Finish();
}

}  // namespace skald
