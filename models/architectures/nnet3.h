#pragma once

#include <vector>

#include "base/status.h"
#include "models/bundle/bundle.h"
#include "models/bundle/nnet3_sizes.h"

namespace skald {

/// Weights of an "nnet3" network in f32. The forward pass, for a window of n feature frames, computes for
/// every layer the frames t that a score needs:
///   x(t) = for each part of the layer's input the sum of scale * source(t + offset), parts one behind the
///   other; layer(t) = the layer's operations, one after the other, of x(t)
/// Frames before the window are its first, frames behind it its last. Scores are at the frames 0, s, 2 s, ...
/// below n, s the subsampling: column u of u > 0 is minus output u - 1 of the last layer (a log likelihood,
/// not normalised in chain models), column 0 is minus the log of the share of the silence units in the
/// softmax of all: no graph arc has it, but pauses are found by it. After Peddinti et al. 2015 "A time delay
/// neural network architecture for efficient modeling of long temporal contexts", Povey et al. 2018
/// "Semi-orthogonal low-rank matrix factorization for deep neural networks".
struct Nnet3Weights {
  struct Operation {
    std::vector<float> weight;  ///< kAffine: [outputs, inputs]; kScaleOffset: scale
    std::vector<float> bias;    ///< [outputs]; kScaleOffset: offset
  };
  std::vector<std::vector<Operation>> layers;  ///< [layers][operations]
};

/// Name of a tensor: LAYER.PLACE.PART, PLACE that of the operation in its layer, PART weight, bias, scale or
/// offset.
std::string Nnet3TensorName(const std::string& layer, size_t place, const char* part);

/// Reads the weights of a bundle after checking the file's SHA-256. kCorrupt naming the tensor.
StatusOr<Nnet3Weights> ReadNnet3Weights(const Bundle& bundle, const Nnet3Sizes& sizes);

}  // namespace skald
