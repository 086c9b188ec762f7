#pragma once

#include <span>
#include <vector>

#include "decoder/lattice/best_path.h"
#include "decoder/lattice/forward_backward.h"

namespace skald {

/// Confidence of each of `words`, which follow one another in time, in [0, 1]: the sum of the posteriors of
/// the lattice arcs that carry the same word label at about the same time, cut to 1.
///
/// Cluster rule: a label arc at frame f belongs to the occurrence of its word among them whose stretch, from
/// `margin_frames` before the word's start to `margin_frames` after the later of its end and its own label's
/// frame, contains f; where several occurrences do, to the one whose own label frame is nearest, the earlier
/// one at a tie. The time of the label stands for the time of the word, because the lattice is not aligned to
/// words. Uncalibrated: the share of probability among the paths that the search kept.
std::vector<double> WordConfidences(const RawLattice& lattice, const LatticePosteriors& posteriors,
                                    std::span<const PathWord> words, int margin_frames = 5);

}  // namespace skald
