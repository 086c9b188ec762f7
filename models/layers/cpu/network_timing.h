#pragma once

namespace skald {

/// Seconds spent in the parts of a network since construction, summed over calls (wall time).
struct NetworkTiming {
  double convolution_s = 0;
  double attention_s = 0;
  double linear_s = 0;  ///< linear layers and the norms and activations between them
  double heads_s = 0;
};

}  // namespace skald
