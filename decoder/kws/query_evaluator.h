#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "decoder/kws/index_segment.h"
#include "decoder/kws/query.h"

namespace skald {

/// A place of a segment where what was asked for may have been said.
struct SegmentHit {
  uint32_t source = 0;
  uint32_t track = 0;
  uint32_t channel = 0;
  uint32_t utterance = 0;  ///< where it starts
  double start_s = 0;      ///< of the media file
  double end_s = 0;
  double score = 0;  ///< expected count, at most 1
};

struct EvaluationOptions {
  /// Hits with less are left out. Larger: phrases are found faster, because utterances in which a word is too
  /// unlikely need not be looked at.
  double min_score = 0;
  /// Longest silence between two words of a phrase. Larger: more hits.
  double max_gap_s = 1.0;
};

/// Evaluates a query on one segment; hits by (source, track, channel, start, end). A phrase's score is its
/// exact expected count on the stored lattice, sums over overlapping alternatives included; that of OR the
/// sum of its parts' where they overlap, that of NEAR the product of two (as if they were independent), one
/// hit for each hit on the left with the best one on the right, which must not overlap it. What is found in
/// an utterance depends on that utterance alone (NEAR: on its file). kCorrupt where the segment is damaged.
StatusOr<std::vector<SegmentHit>> EvaluateQuery(const IndexSegment& segment, const Query& query,
                                                const EvaluationOptions& options = {});

/// The likeliest transcript around a hit, in one utterance: its words and up to `words` on each side.
StatusOr<std::string> HitContext(const IndexSegment& segment, const SegmentHit& hit, int words);

}  // namespace skald
