#include "engine/segment_search.h"

#include "base/check.h"
#include "engine/device_segment_search.h"

namespace skald {

Status MoveToHost(ScoreSegment* segment, int but_not) {
  for (ScoreRows& piece : segment->pieces) {
    if (!piece.on_device || piece.device == but_not) continue;
    SKALD_ASSIGN_OR_RETURN(piece, CopyToHost(piece));
  }
  return Status::Ok();
}

StatusOr<RawLattice> SegmentSearch::Search(const ScoreSegment& segment) {
  search_.Begin(boost_);
  for (const ScoreRows& piece : segment.pieces) {
    SKALD_CHECK(!piece.on_device, "the CPU was to search scores on a device");
    ScoreView nll = piece.nll;
    if (first_column_) {
      if (*first_column_ + units_ > nll.columns) {
        return Status::InvalidArgument("scores have fewer columns than the heads have units");
      }
      nll = nll.Columns(*first_column_, units_);
    }
    SKALD_RETURN_IF_ERROR(search_.Advance(nll));
  }
  return search_.Finish();
}

}  // namespace skald
