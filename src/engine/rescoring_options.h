#pragma once

#include <string>

#include "base/status.h"

namespace skald {

/// What a larger language model does to word lattices. All fields affect the text.
struct RescoringOptions {
  bool enabled = false;  ///< whether it is done at all
  /// ARPA file, plain or gzip, or a `.sklm` file; empty: the bundle's large model.
  std::string lm_path;
  /// Share of the large model, log-linear: 0 keeps the first-pass model, 1 replaces it.
  double weight = 1.0;
  /// Factor on the language models' costs. Larger trusts them more.
  double lm_scale = 1.0;
  /// Nats for each word, on top of the search's. Larger: fewer, longer words.
  double word_penalty = 0.0;
  /// Word strings of the first pass this much worse than its best, in nats, can still win. Larger: more time.
  float beam = 8.0f;

  /// kInvalidArgument names the option that is out of range.
  Status Validate() const;
};

}  // namespace skald
