#pragma once

#include <cstdint>

#include "base/status.h"

namespace skald {

/// What the search keeps. Beams are in nats on the scale of the scores that the search is given.
struct SearchOptions {
  /// Tokens and arcs further than this from the best of their frame are dropped. Larger: slower, fewer search
  /// errors.
  float beam = 14.0f;
  /// At most about this many tokens are expanded in a frame (ties at the limit all are). Smaller: bounds the
  /// time of hard frames, more search errors there.
  int32_t max_active = 2000;
  /// Where no more tokens than this are within the beam, so many are expanded all the same, and new ones may
  /// be as much worse than the best. Larger: slower, fewer search errors where scores are sure of themselves.
  /// 0: the beam alone decides. On the CPU only.
  int32_t min_active = 0;
  /// Paths further than this from the best complete one leave the lattice. Larger: more memory, more
  /// alternatives and better confidences. At most `beam` is useful.
  float lattice_beam = 8.0f;
  /// Hard limit of the arcs kept in a frame: bounds time and memory where scores say nothing.
  int64_t max_arcs_per_frame = 100000;
  /// Cost in nats of each word label. Larger: fewer, longer words. May be negative.
  float word_penalty = 0.0f;

  // The rest changes speed and memory, never the result.

  /// Skip frames in which blank is so certain that all tokens just stay.
  bool collapse_blanks = true;
  /// Drop links beyond the lattice beam when they are made.
  bool prune_links_early = true;
  /// Frames between two prunings of the recent past; 0: prune only at the end, memory grows with the stream.
  int32_t prune_interval_frames = 64;
  /// Seed of the token table's hash function, and the tokens that it first has room for; it grows by itself.
  uint64_t hash_seed = 0;
  int32_t initial_tokens = 4096;  ///< see hash_seed

  /// kInvalidArgument naming the field that is out of range.
  Status Validate() const;
};

}  // namespace skald
