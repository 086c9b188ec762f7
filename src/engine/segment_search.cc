#include "engine/segment_search.h"

namespace skald {

SegmentSearch::SegmentSearch(const GraphImage& graph, const SearchOptions& options,
                             const ScoreScaling& scaling)
    : scaling_(scaling), search_(graph, options) {}

StatusOr<RawLattice> SegmentSearch::Search(ScoreSegment* segment) {
  ScoreMatrix& scores = segment->scores;
  for (int64_t frame = 0; frame < scores.frames; ++frame) {
    const std::span<float> row = scores.mutable_view().Row(frame);
    row[0] += scaling_.blank_penalty;
    for (float& nll : row) nll *= scaling_.acoustic_scale;
  }
  search_.Begin();
  SKALD_RETURN_IF_ERROR(search_.Advance(scores.view()));
  return search_.Finish();
}

}  // namespace skald
