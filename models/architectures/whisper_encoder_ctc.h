#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "models/bundle/bundle.h"

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
  struct Affine {
    std::vector<float> weight;  ///< linear: [outputs, inputs]; convolution: [outputs, 3 taps, inputs]
    std::vector<float> bias;    ///< [outputs]
  };
  struct Norm {
    std::vector<float> gain, bias;  ///< [model_width]
  };
  struct Layer {
    Norm attention_norm;
    Affine query_key_value;  ///< [3 * model_width, model_width]; queries scaled by 1/8 = 1/sqrt(64), which is
                             ///< exact
    Affine attention_output;
    Norm feed_forward_norm;
    Affine feed_forward_1, feed_forward_2;
  };
  Affine convolution_1, convolution_2;
  std::vector<float> positions;  ///< [max_positions, model_width]
  std::vector<Layer> layers;
  Norm final_norm;
  std::vector<Affine> heads;  ///< in the order asked for
};

/// Reads the weights of a bundle after checking the file's SHA-256; only the heads that are asked for.
/// kNotFound, kCorrupt (naming the tensor), or kInvalidArgument for a head the bundle lacks.
StatusOr<WhisperEncoderCtcWeights> ReadWhisperEncoderCtcWeights(const Bundle& bundle,
                                                                const std::vector<std::string>& heads);

/// Frames of scores that a window of `feature_frames` gives: halved, rounding up, once or (with pooling)
/// twice.
int64_t WhisperEncoderCtcFrames(const WhisperEncoderCtcSizes& sizes, int64_t feature_frames);

}  // namespace skald
