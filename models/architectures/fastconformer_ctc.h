#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "models/bundle/bundle.h"
#include "models/layers/weights.h"

namespace skald {

/// Weights of a "fastconformer-ctc" network in f32, the layers aside. The forward pass (Rekesh et al. 2023,
/// "Fast Conformer"; Gulati et al. 2020, "Conformer"; the code that defines it: transformers,
/// modeling_parakeet.py), for a window of features [frames, bins]:
///   three convolutions of 3 x 3 with stride 2 and a frame and a bin of zeros around, over time and bins: the
///   first from one
///     channel to all, the others depthwise and followed by a product over channels; ReLU after each
///   x = linear(channels of all bins); scaled by sqrt(model_width) where asked for
///   each layer: x += feed_forward_1(norm(x)) / 2; x += attention(norm(x)), with relative positions
///   (sinusoids through a
///     projection); x += pointwise_2(swish(depthwise(gated(pointwise_1(norm(x)))))); x +=
///     feed_forward_2(norm(x)) / 2; x = norm(x), where a feed-forward network is linear_2(swish(linear_1))
///   scores of a head = -log softmax(linear(x))
struct FastConformerCtcWeights {
  AffineWeights first_convolution;       ///< [9 taps (time, bin), channels]
  std::vector<AffineWeights> depthwise;  ///< two: [9 taps, channels]
  std::vector<AffineWeights> pointwise;  ///< two: [channels, channels]
  AffineWeights projection;  ///< [model_width, bins / 8 * channels]: channels of one bin, then the next
  std::vector<AffineWeights> heads;  ///< in the order asked for
};

struct FastConformerLayerWeights {
  NormWeights feed_forward_norm_1, attention_norm, convolution_norm, feed_forward_norm_2, output_norm;
  AffineWeights feed_forward_1_in, feed_forward_1_out;  ///< the latter halved
  AffineWeights query_key_value;                        ///< queries scaled
  AffineWeights attention_output;
  std::vector<float> content_bias, position_bias;  ///< [model_width], scaled like the queries
  AffineWeights position;                          ///< [model_width, model_width], without bias
  AffineWeights pointwise_1;                       ///< [2 * model_width, model_width]
  AffineWeights depthwise;                         ///< [kernel, model_width], the batch norm folded in
  AffineWeights pointwise_2;
  AffineWeights feed_forward_2_in, feed_forward_2_out;  ///< the latter halved
};

/// Epsilon of the layer norms.
inline constexpr double kFastConformerEpsilon = 1e-5;

/// kCorrupt, naming the tensor; kInvalidArgument for a head the bundle lacks.
StatusOr<FastConformerCtcWeights> ReadFastConformerCtcWeights(const WeightReader& reader,
                                                              const BundleManifest& manifest,
                                                              const std::vector<std::string>& heads);
/// Layer `index` from 0.
StatusOr<FastConformerLayerWeights> ReadFastConformerLayer(const WeightReader& reader,
                                                           const FastConformerCtcSizes& sizes, int index);

/// Sinusoids of relative positions [count, width] from `first` downwards: row r stands for position first -
/// r; sine and cosine of position / 10000^(2 i / width) take turns.
std::vector<float> RelativeSinusoids(int64_t first, int64_t count, int64_t width);

}  // namespace skald
