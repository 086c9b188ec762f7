#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/architectures/cpu_network.h"
#include "models/architectures/whisper_encoder_ctc.h"
#include "models/layers/cpu/ctc_heads.h"
#include "models/layers/cpu/linear.h"
#include "models/layers/cpu/tile_team.h"
#include "models/layers/cpu/transformer.h"

namespace skald {

/// Forward pass of a "whisper-encoder-ctc" network on the CPU over packed windows. Bits of a window's
/// scores do not depend on the other windows, the number of threads or earlier calls.
class WhisperEncoderCtcCpu : public CpuNetwork {
 public:
  /// Precision of the linear layers and of the second convolution; the first convolution, attention, norms
  /// and heads are always f32.
  static StatusOr<std::unique_ptr<CpuNetwork>> Create(const Bundle& bundle,
                                                      const std::vector<std::string>& heads,
                                                      CpuPrecision precision, int threads);

  Status Run(FeatureView features, std::span<const int64_t> window_feature_frames,
             std::span<const MatrixView<float>> nll_per_head) override;

 private:
  WhisperEncoderCtcCpu(const WhisperEncoderCtcSizes& sizes, CpuPrecision precision, int threads);
  Status BuildLayers(WhisperEncoderCtcWeights weights, CpuPrecision precision);
  Status Convolve1(FeatureView features);
  Status Convolve2();
  void PoolPairs();
  void SetWindows(std::span<const int64_t> window_feature_frames);

  WhisperEncoderCtcSizes sizes_;
  std::unique_ptr<TileTeam> team_;
  std::vector<CpuLinear> convolutions_;  ///< two
  std::vector<float> positions_;
  CpuTransformer transformer_;
  NormWeights final_norm_;
  CpuCtcHeads heads_;

  std::vector<int64_t> feature_starts_;  ///< first packed row of every window of features, and the end
  std::vector<int64_t> starts_;          ///< the same of frames at the current layer
  std::vector<int64_t> frames_;          ///< frames of each window at the current layer
  std::vector<float> convolved_;         ///< [feature rows, model_width]
  std::vector<float> x_;                 ///< [rows, model_width]: the residual stream
};

}  // namespace skald
