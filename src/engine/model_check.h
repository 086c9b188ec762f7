#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "models/bundle/bundle.h"

namespace skald {

/// One comparison of the golden test: features or scores of a golden recording against what the bundle says.
struct GoldenResult {
  std::string name;
  double largest_difference = 0;  ///< absolute
  double limit = 0;
  bool passed() const { return largest_difference <= limit; }
};

/// Verifies every file of a bundle and re-runs its golden test in f32 on the CPU: every golden/NAME.wav
/// through features (NAME.mel.npy, [bins, frames]; none where the network takes samples) and, in one batch,
/// through the network (NAME.logprobs_HEAD.npy, [frames, units]). kNotFound where the bundle has no golden
/// recordings.
StatusOr<std::vector<GoldenResult>> CheckModel(const Bundle& bundle);

}  // namespace skald
