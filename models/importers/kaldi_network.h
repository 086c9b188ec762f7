#pragma once

#include <vector>

#include "base/status.h"
#include "models/bundle/nnet3_sizes.h"
#include "models/bundle/safetensors_writer.h"
#include "models/importers/kaldi_nnet3.h"

namespace skald {

/// A network of Kaldi in the form that Skald runs.
struct KaldiNetwork {
  Nnet3Sizes sizes;  ///< subsampling, max_frames and silence_units are the caller's to set
  std::vector<NamedTensor> tensors;
};

/// Turns what output node "output" needs into layers. Components that compute element by element join the
/// layer that they follow; batch norms directly behind a product become part of it; dropout leaves nothing;
/// priors become part of the last layer. kUnsupported or kCorrupt naming file, node and byte for what does
/// not fit together or is not run: recurrence, descriptors other than Append, Sum, Scale, Offset, and
/// ReplaceIndex or Round of the i-vector.
StatusOr<KaldiNetwork> ConvertKaldiNetwork(const KaldiNnet3& network);

}  // namespace skald
