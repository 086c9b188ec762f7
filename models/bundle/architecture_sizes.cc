#include "models/bundle/architecture_sizes.h"

namespace skald {
namespace {

/// One overload for each alternative of the variant.
template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;

int64_t Halve(int64_t frames) { return (frames + 1) / 2; }

/// Outputs of a convolution without padding.
int64_t Valid(const Wav2Vec2CtcSizes::Convolution& convolution, int64_t frames) {
  return frames < convolution.kernel ? 0 : (frames - convolution.kernel) / convolution.stride + 1;
}

std::string Layers(int layers, int width, int heads, int feed_forward) {
  return std::to_string(layers) + " layers of width " + std::to_string(width) + ", " + std::to_string(heads) +
         " attention heads, feed-forward " + std::to_string(feed_forward);
}

/// Products of attention and of its four projections for `frames` frames; `scores`: products of queries by
/// keys or positions.
double AttentionFlops(double frames, double width, double scores) {
  return 8 * frames * width * width + 2 * (scores + 1) * frames * frames * width;
}

double Flops(const WhisperEncoderCtcSizes& sizes, int64_t feature_frames, int64_t units) {
  const double width = sizes.model_width;
  const auto features = static_cast<double>(feature_frames);
  double frames = static_cast<double>(Halve(feature_frames));
  double flops = 6 * features * sizes.feature_bins * width + 6 * frames * width * width;
  for (int layer = 0; layer < sizes.layers; ++layer) {
    flops += AttentionFlops(frames, width, 1) + 4 * frames * width * sizes.feed_forward_width;
    if (sizes.pool_after_layer == layer) frames = static_cast<double>(Halve(static_cast<int64_t>(frames)));
  }
  return flops + 2 * frames * width * static_cast<double>(units);
}

double Flops(const Wav2Vec2CtcSizes& sizes, int64_t feature_frames, int64_t units) {
  double flops = 0;
  int64_t rows = feature_frames;
  int inputs = 1;
  for (const Wav2Vec2CtcSizes::Convolution& convolution : sizes.convolutions) {
    rows = Valid(convolution, rows);
    flops += 2.0 * static_cast<double>(rows) * convolution.kernel * inputs * convolution.channels;
    inputs = convolution.channels;
  }
  const auto frames = static_cast<double>(rows);
  const double width = sizes.model_width;
  flops += 2 * frames * width * inputs +
           2 * frames * width * (width / sizes.position_groups) * sizes.position_kernel;
  flops += sizes.layers * (AttentionFlops(frames, width, 1) + 4 * frames * width * sizes.feed_forward_width);
  return flops + 2 * frames * width * static_cast<double>(units);
}

double Flops(const FastConformerCtcSizes& sizes, int64_t feature_frames, int64_t units) {
  const double channels = sizes.subsampling_channels, width = sizes.model_width;
  int64_t rows = Halve(feature_frames), bins = sizes.feature_bins / 2;
  double flops = 18.0 * static_cast<double>(rows * bins) * channels;
  for (int stage = 0; stage < 2; ++stage) {
    rows = Halve(rows);
    bins /= 2;
    flops += static_cast<double>(rows * bins) * channels * (18.0 + 2 * channels);
  }
  const auto frames = static_cast<double>(rows);
  flops += 2 * frames * channels * static_cast<double>(bins) * width;
  const double feed_forward = 4 * frames * width * sizes.feed_forward_width;
  const double convolution = 6 * frames * width * width + 2 * frames * width * sizes.convolution_kernel;
  flops += sizes.layers * (AttentionFlops(frames, width, 2) + 2 * feed_forward + convolution);
  return flops + 2 * frames * width * static_cast<double>(units);
}

double Flops(const Nnet3Sizes& sizes, int64_t feature_frames, int64_t units) {
  const StatusOr<Nnet3Shape> shape = ShapeOfNnet3(sizes);
  if (!shape.ok()) return 0;
  double flops = 0;
  for (size_t l = 0; l < sizes.layers.size(); ++l) {
    double width = shape->inputs[l];
    const double frames = static_cast<double>(feature_frames) / shape->strides[l];
    for (const Nnet3Sizes::Operation& operation : sizes.layers[l].operations) {
      if (operation.type != Nnet3Sizes::Operator::kAffine) continue;
      flops += 2 * frames * width * operation.outputs;
      width = operation.outputs;
    }
  }
  (void)units;  // the last layer's outputs
  return flops;
}

}  // namespace

const char* ArchitectureName(const ArchitectureSizes& sizes) {
  return std::visit(Overloaded{[](const WhisperEncoderCtcSizes&) { return "whisper-encoder-ctc"; },
                               [](const Wav2Vec2CtcSizes&) { return "wav2vec2-ctc"; },
                               [](const FastConformerCtcSizes&) { return "fastconformer-ctc"; },
                               [](const Nnet3Sizes&) { return "nnet3"; }},
                    sizes);
}

std::string DescribeArchitecture(const ArchitectureSizes& sizes) {
  return std::string(ArchitectureName(sizes)) + ", " +
         std::visit(Overloaded{[](const Nnet3Sizes& s) {
                                 return std::to_string(s.layers.size()) + " layers, i-vectors of " +
                                        std::to_string(s.ivector_size) + " values";
                               },
                               [](const auto& s) {
                                 return Layers(s.layers, s.model_width, s.attention_heads,
                                               s.feed_forward_width);
                               }},
                    sizes);
}

int FeatureBins(const ArchitectureSizes& sizes) {
  return std::visit(Overloaded{[](const WhisperEncoderCtcSizes& s) { return s.feature_bins; },
                               [](const Wav2Vec2CtcSizes&) { return 1; },
                               [](const FastConformerCtcSizes& s) { return s.feature_bins; },
                               [](const Nnet3Sizes& s) { return s.feature_bins + s.ivector_size; }},
                    sizes);
}

int64_t FeatureFramesPerScore(const ArchitectureSizes& sizes) {
  return std::visit(
      Overloaded{[](const WhisperEncoderCtcSizes& s) { return int64_t{s.pool_after_layer ? 4 : 2}; },
                 [](const Wav2Vec2CtcSizes& s) {
                   int64_t product = 1;
                   for (const auto& convolution : s.convolutions) product *= convolution.stride;
                   return product;
                 },
                 [](const FastConformerCtcSizes&) { return int64_t{8}; },
                 [](const Nnet3Sizes& s) { return int64_t{s.subsampling}; }},
      sizes);
}

int64_t ScoreFrames(const ArchitectureSizes& sizes, int64_t feature_frames) {
  return std::visit(
      Overloaded{[&](const WhisperEncoderCtcSizes& s) {
                   const int64_t frames = Halve(feature_frames);
                   return s.pool_after_layer ? Halve(frames) : frames;
                 },
                 [&](const Wav2Vec2CtcSizes& s) {
                   int64_t frames = feature_frames;
                   for (const auto& convolution : s.convolutions) frames = Valid(convolution, frames);
                   return frames;
                 },
                 [&](const FastConformerCtcSizes&) { return Halve(Halve(Halve(feature_frames))); },
                 [&](const Nnet3Sizes& s) { return (feature_frames + s.subsampling - 1) / s.subsampling; }},
      sizes);
}

int64_t MaxWindowFeatureFrames(const ArchitectureSizes& sizes) {
  return std::visit(
      Overloaded{
          [](const WhisperEncoderCtcSizes& s) { return 2 * int64_t{s.max_positions}; },
          [&](const Wav2Vec2CtcSizes& s) { return int64_t{s.max_frames} * FeatureFramesPerScore(sizes); },
          [&](const FastConformerCtcSizes& s) {
            return int64_t{s.max_frames} * FeatureFramesPerScore(sizes);
          },
          [&](const Nnet3Sizes& s) { return int64_t{s.max_frames} * FeatureFramesPerScore(sizes); }},
      sizes);
}

int64_t WaveformField(const Wav2Vec2CtcSizes& sizes) {
  int64_t field = 1;
  for (auto it = sizes.convolutions.rbegin(); it != sizes.convolutions.rend(); ++it) {
    field = (field - 1) * it->stride + it->kernel;
  }
  return field;
}

double ForwardFlops(const ArchitectureSizes& sizes, int64_t feature_frames, int64_t units) {
  return std::visit([&](const auto& s) { return Flops(s, feature_frames, units); }, sizes);
}

}  // namespace skald
