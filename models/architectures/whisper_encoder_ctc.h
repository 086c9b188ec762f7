#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "models/bundle/bundle.h"
#include "models/layers/weights.h"

namespace skald {

/// Weights of a "whisper-encoder-ctc" network in f32, in the order that the layers want them. The forward
/// pass (Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision", encoder; CTC
/// heads on top), for a window of n feature frames:
///   h = GELU(conv1(features)); h = GELU(conv2(h)), kernel 3, padding 1, stride 1 and 2: t = (n + 1) / 2
///   frames x = h + sinusoidal positions each layer: x += out(attention(norm(x))); x +=
///   fc2(GELU(fc1(norm(x)))); after layer `pool_after_layer` pairs of
///     frames become their mean, an odd last frame stays alone
///   scores of a head = -log softmax(linear(norm(x)))
struct WhisperEncoderCtcWeights {
  AffineWeights convolution_1, convolution_2;
  std::vector<float> positions;  ///< [max_positions, model_width]
  std::vector<TransformerLayerWeights> layers;
  NormWeights final_norm;
  std::vector<AffineWeights> heads;  ///< in the order asked for
};

/// Reads the weights of a bundle after checking the file's SHA-256; only the heads that are asked for.
/// kNotFound, kCorrupt (naming the tensor), or kInvalidArgument for a head the bundle lacks.
StatusOr<WhisperEncoderCtcWeights> ReadWhisperEncoderCtcWeights(const Bundle& bundle,
                                                                const std::vector<std::string>& heads);

/// Whisper's positions [positions, width]: P[t, i] = sin(t w_i), P[t, width / 2 + i] = cos(t w_i), w_i =
/// exp(-ln(10000) / (width / 2 - 1) * i).
std::vector<float> SinusoidalPositions(int64_t positions, int64_t width);

}  // namespace skald
