#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "models/bundle/nnet3_sizes.h"

namespace skald {

/// Sizes of a "whisper-encoder-ctc" network: two convolutions, pre-norm transformer layers, one linear CTC
/// head per unit set (models/architectures/whisper_encoder_ctc.h has the forward pass).
struct WhisperEncoderCtcSizes {
  int feature_bins = 0;
  int model_width = 0;
  int attention_heads = 0;
  int feed_forward_width = 0;
  int layers = 0;
  int max_positions =
      0;  ///< frames after the second convolution; windows hold at most 2 * max_positions feature frames
  double layer_norm_epsilon = 1e-5;
  std::optional<int> pool_after_layer;  ///< index from 0: after this layer, pairs of frames become their mean
};

/// Sizes of a "wav2vec2-ctc" network (Wav2Vec 2.0 and HuBERT): convolutions over the waveform, a projection,
/// a convolution that stands for positions, transformer layers (models/architectures/wav2vec2_ctc.h has the
/// forward pass).
struct Wav2Vec2CtcSizes {
  /// One convolution without padding over time.
  struct Convolution {
    int channels = 0;  ///< outputs
    int kernel = 0;
    int stride = 0;
  };
  std::vector<Convolution> convolutions;
  bool convolution_bias = false;
  bool group_norm = true;  ///< the first convolution's channels are normalised over time; false: every frame
                           ///< of every convolution over its channels
  bool projection_norm = true;
  int model_width = 0;
  int attention_heads = 0;
  int feed_forward_width = 0;
  int layers = 0;
  int position_kernel = 0;
  int position_groups = 0;
  bool norm_first = false;  ///< layers normalise their inputs ("stable" order); false: their outputs
  double layer_norm_epsilon = 1e-5;
  int max_frames = 0;  ///< longest window in frames of scores
};

/// Sizes of a "fastconformer-ctc" network (Parakeet): depthwise-striding subsampling by 8, Conformer layers
/// with relative positions (models/architectures/fastconformer_ctc.h has the forward pass).
struct FastConformerCtcSizes {
  int feature_bins = 0;
  int subsampling_channels = 0;
  int model_width = 0;
  int attention_heads = 0;
  int feed_forward_width = 0;
  int layers = 0;
  int convolution_kernel = 0;  ///< odd
  bool scale_input = false;    ///< subsampled frames times sqrt(model_width)
  bool linear_bias = false;    ///< of attention and feed-forward layers
  bool convolution_bias = false;
  int max_frames = 0;  ///< longest window in frames of scores
};

/// The sizes of any network that Skald runs.
using ArchitectureSizes =
    std::variant<WhisperEncoderCtcSizes, Wav2Vec2CtcSizes, FastConformerCtcSizes, Nnet3Sizes>;

/// The name in bundle.json, e.g. "wav2vec2-ctc".
const char* ArchitectureName(const ArchitectureSizes& sizes);
/// One line for people, e.g. "wav2vec2-ctc, 12 layers of width 768, ...".
std::string DescribeArchitecture(const ArchitectureSizes& sizes);

/// Values of a frame of the input, i-vector included; 1 where the network takes samples.
int FeatureBins(const ArchitectureSizes& sizes);
/// Feature frames from one frame of scores to the next.
int64_t FeatureFramesPerScore(const ArchitectureSizes& sizes);
/// Frames of scores for a window of `feature_frames`; 0 for 0 and, where convolutions are not padded, for a
/// window shorter than their field.
int64_t ScoreFrames(const ArchitectureSizes& sizes, int64_t feature_frames);
/// The longest window in feature frames.
int64_t MaxWindowFeatureFrames(const ArchitectureSizes& sizes);
/// Samples that the first frame of a "wav2vec2-ctc" network looks at: the least a window must have.
int64_t WaveformField(const Wav2Vec2CtcSizes& sizes);

/// Floating-point operations (a multiplication and an addition are two) of the matrix products and
/// convolutions for one window, heads of `units` outputs altogether included.
double ForwardFlops(const ArchitectureSizes& sizes, int64_t feature_frames, int64_t units);

}  // namespace skald
