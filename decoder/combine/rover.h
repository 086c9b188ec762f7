#pragma once

#include <span>
#include <vector>

#include "base/status.h"
#include "decoder/combine/system_word.h"

namespace skald {

/// How the confidences C(w) of the entries of one word in a slot count.
enum class RoverVote {
  kAverage,  ///< their mean (SCTK: meth1)
  kMaximum,  ///< the largest (maxconf)
  kShare,    ///< their sum as a share of the sum over the slot (avgconf)
};

struct RoverOptions {
  RoverVote vote = RoverVote::kAverage;
  /// A word scores alpha * (share of the systems that have it) + (1 - alpha) * C(w). 1: votes alone, 0:
  /// confidences alone.
  double alpha = 1;
  /// Confidence of having no word. Larger: more deletions, fewer insertions.
  double null_confidence = 0;
  /// Align words by their times, and by what they say only where times are equal.
  bool align_by_time = false;
  /// Systems are aligned anew after every pause this long that all have in common.
  double pause_s = 1.0;

  /// kInvalidArgument names the option that is out of range.
  Status Validate() const;
};

/// What a system has at a place: a word, or no word (word 0, times 0, confidence null_confidence).
struct RoverEntry {
  SystemWord word;
  uint32_t system = 0;
};
/// One entry of each system.
using RoverSlot = std::vector<RoverEntry>;

/// The words [begin[k], end[k]) of every system k.
struct RoverChunk {
  std::vector<size_t> begin;
  std::vector<size_t> end;
};

/// Cuts the words of all systems at the pauses of at least `pause_s` in the first system that meet a pause of
/// every other system; all words lie in one chunk, in order. Words of a system are in order of time.
std::vector<RoverChunk> SplitAtCommonPauses(std::span<const std::vector<SystemWord>> systems, double pause_s);

/// Aligns systems one after the other, in the order given, with the slots so far: put the best one first.
/// Costs: same word 0, other word 4, word against a slot that has an empty entry 1, word in a slot of its own
/// or slot without a word 3, slot with an empty entry without a word 0.001. Time and memory of the product of
/// slots and words: kResourceExhausted beyond 2^32.
StatusOr<std::vector<RoverSlot>> AlignForRover(std::span<const std::vector<SystemWord>> systems,
                                               const RoverOptions& options = {});

/// The word of the highest score of each slot, where that is a word; of equal scores the one of the entry
/// that comes first. Times and confidence are means over the systems that have the word. `weights` [systems]
/// are positive: a system of weight 2 votes as two would.
std::vector<SystemWord> VoteForWords(std::span<const RoverSlot> slots, std::span<const double> weights,
                                     const RoverOptions& options = {});

/// ROVER (Fiscus, "A post-processing system to yield reduced word error rates", 1997): pauses, alignment,
/// vote. Words and times equal those of NIST's rover (SCTK) for equal weights. `weights` [systems] are 0 or
/// more; a system of weight 0 has no part in anything. Deterministic, thread safe.
StatusOr<std::vector<SystemWord>> Rover(std::span<const std::vector<SystemWord>> systems,
                                        std::span<const double> weights, const RoverOptions& options = {});

}  // namespace skald
