#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "models/bundle/bundle.h"
#include "models/layers/weights.h"

namespace skald {

/// Weights of a "wav2vec2-ctc" network in f32, the layers aside. The forward pass (Baevski et al. 2020,
/// "wav2vec 2.0"; Hsu et al. 2021, "HuBERT"; the code that defines it: transformers, modeling_wav2vec2.py),
/// for a window of samples:
///   h = samples; each convolution (no padding): h = GELU(norm(conv(h))), where the norm is over time for
///   each channel of the
///     first convolution only (group norm), or over channels for each frame of every convolution
///   x = projection(norm(h)); x += GELU(position convolution(x)), which sees kernel / 2 frames back
///   norm last: x = norm(x), then the layers; norm first: the layers, then x = norm(x)
///   scores of a head = -log softmax(linear(x))
struct Wav2Vec2CtcWeights {
  struct Convolution {
    AffineWeights affine;  ///< [channels, kernel, inputs]
    NormWeights norm;      ///< [channels], or empty for none
  };
  std::vector<Convolution> convolutions;
  NormWeights projection_norm;  ///< empty for none
  AffineWeights projection;
  AffineWeights position_convolution;  ///< [model_width, position_kernel, model_width / position_groups]
  NormWeights encoder_norm;
  std::vector<AffineWeights> heads;  ///< in the order asked for
};

/// Epsilon of the norms between the convolutions; the other norms have the bundle's.
inline constexpr double kWav2Vec2ConvolutionEpsilon = 1e-5;

/// kCorrupt, naming the tensor; kInvalidArgument for a head the bundle lacks.
StatusOr<Wav2Vec2CtcWeights> ReadWav2Vec2CtcWeights(const WeightReader& reader,
                                                    const BundleManifest& manifest,
                                                    const std::vector<std::string>& heads);
/// Layer `index` from 0.
StatusOr<TransformerLayerWeights> ReadWav2Vec2CtcLayer(const WeightReader& reader,
                                                       const Wav2Vec2CtcSizes& sizes, int index);

/// The first convolution with the group norm of one window folded in: its output is bias + sum over k of
/// sample[stride * t
/// + k] * weight[k, channel]. The norm's mean and variance over time follow from the mean and the second
/// moments of the samples under each tap, which cost a pass over the samples rather than over the channels.
struct FoldedConvolution {
  std::vector<float> weight;  ///< [kernel, channels]
  std::vector<float> bias;    ///< [channels]
};
/// `first` without group norm is only transposed. Every window must have `kernel` samples.
FoldedConvolution FoldGroupNorm(const Wav2Vec2CtcWeights::Convolution& first,
                                const Wav2Vec2CtcSizes::Convolution& shape, bool group_norm,
                                std::span<const float> samples);

}  // namespace skald
