#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/architectures/cpu_network.h"
#include "models/architectures/wav2vec2_ctc.h"
#include "models/layers/cpu/ctc_heads.h"
#include "models/layers/cpu/grouped_convolution.h"
#include "models/layers/cpu/linear.h"
#include "models/layers/cpu/tile_team.h"
#include "models/layers/cpu/transformer.h"

namespace skald {

/// Forward pass of a "wav2vec2-ctc" network on the CPU over packed windows of samples. The first convolution
/// is computed where the second one needs it and never stored: its output is five times as large as
/// everything after it. Bits of a window's scores do not depend on the other windows, the number of threads
/// or earlier calls.
class Wav2Vec2CtcCpu : public CpuNetwork {
 public:
  /// Precision of the linear layers and of the convolutions after the first; the first and the position
  /// convolution, attention, norms and heads are always f32.
  static StatusOr<std::unique_ptr<CpuNetwork>> Create(const Bundle& bundle,
                                                      const std::vector<std::string>& heads,
                                                      CpuPrecision precision, int threads);

  Status Run(FeatureView features, std::span<const int64_t> window_feature_frames,
             std::span<const MatrixView<float>> nll_per_head) override;

 private:
  /// First packed row of every window after a convolution, and the end.
  using Starts = std::vector<int64_t>;

  Wav2Vec2CtcCpu(const Wav2Vec2CtcSizes& sizes, CpuPrecision precision, int threads);
  Status BuildLayers(const WeightReader& reader, Wav2Vec2CtcWeights weights, CpuPrecision precision);
  Status SetWindows(FeatureView samples, std::span<const int64_t> window_samples);
  /// Rows first to first + count of a window after the first convolution, to output [count, channels].
  void FirstConvolution(size_t window, int64_t first, int64_t count, float* output) const;
  Status Convolve(size_t stage, const std::vector<float>& input, std::vector<float>* output);
  Status Project(const std::vector<float>& input);
  void Normalise(const NormWeights& norm, const float* input, int64_t rows, int64_t width, double epsilon,
                 float* output) const;

  Wav2Vec2CtcSizes sizes_;
  const SimdKernels& simd_;
  std::unique_ptr<TileTeam> team_;
  Wav2Vec2CtcWeights::Convolution first_convolution_;
  std::vector<CpuLinear> convolutions_;         ///< after the first
  std::vector<NormWeights> convolution_norms_;  ///< of all convolutions, empty for none
  NormWeights projection_norm_;
  std::vector<CpuLinear> projection_;  ///< one
  std::unique_ptr<CpuGroupedConvolution> position_convolution_;
  CpuTransformer transformer_;
  NormWeights encoder_norm_;
  CpuCtcHeads heads_;

  std::vector<const float*> window_samples_;
  std::vector<FoldedConvolution>
      folded_;                       ///< the first convolution of each window; one for all without group norm
  std::vector<Starts> starts_;       ///< after each convolution
  std::vector<int64_t> frames_;      ///< of scores, for each window
  std::vector<float> convolved_[2];  ///< [rows, channels] of two convolutions in turn
  std::vector<float> x_;             ///< [rows, model_width]: the residual stream
};

}  // namespace skald
