#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace skald {

/// An "nnet3" network (models/architectures/nnet3.h has the forward pass): layers over time, each a function
/// of earlier layers at fixed offsets of time. What Kaldi's chain models (TDNN, TDNN-F) become.
struct Nnet3Sizes {
  /// Where a layer takes values from: layer `source` - kFirstLayer, or an input.
  static constexpr int kFeatures = 0, kIvector = 1, kFirstLayer = 2;

  struct Term {
    int source = kFeatures;
    int offset = 0;  ///< in feature frames
    double scale = 1;
  };
  enum class Operator {
    kAffine,   ///< weight * x + bias
    kRelu,     ///< max(x, 0)
    kSigmoid,  ///< 1 / (1 + exp(-x))
    kTanh,
    kScaleOffset,  ///< scale * x + offset, by element
    kNormalize,    ///< x * rms / sqrt(mean of x^2)
    kLogSoftmax,
  };
  struct Operation {
    Operator type = Operator::kAffine;
    int outputs = 0;  ///< kAffine
    double rms = 1;   ///< kNormalize
  };
  struct Layer {
    std::string name;
    std::vector<std::vector<Term>> input;  ///< sums of terms, one behind the other
    std::vector<Operation> operations;     ///< one after the other
  };

  int feature_bins = 0;       ///< values of a frame, those of the i-vector aside
  int ivector_size = 0;       ///< 0: the network takes none
  int subsampling = 1;        ///< feature frames from one frame of scores to the next
  int max_frames = 0;         ///< longest window in frames of scores
  std::vector<Layer> layers;  ///< each after those that it takes from; the last one has the scores
  /// Columns of the scores, from 1, that stand for silence.
  std::vector<int> silence_units;
};

/// What follows from the layers.
struct Nnet3Shape {
  std::vector<int> inputs, widths;  ///< [layers]: values that go into and come out of a layer
  /// Feature frames before and after the frame of a score that it depends on.
  int left_context = 0, right_context = 0;
  /// [layers]: frames that are needed are all (1) or those at multiples of the subsampling only.
  std::vector<int> strides;
  /// [layers]: first and last frame that a score at frame 0 depends on.
  std::vector<int> first_offsets, last_offsets;
};

/// Checks that layers fit together and derives their shape; kCorrupt naming the layer. Widths stay below
/// 65536, contexts below 10000 frames.
StatusOr<Nnet3Shape> ShapeOfNnet3(const Nnet3Sizes& sizes);

}  // namespace skald
