#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/architectures/cpu_network.h"
#include "models/architectures/fastconformer_ctc.h"
#include "models/layers/cpu/attention.h"
#include "models/layers/cpu/ctc_heads.h"
#include "models/layers/cpu/linear.h"
#include "models/layers/cpu/striding_subsampling.h"
#include "models/layers/cpu/tile_team.h"

namespace skald {

/// Forward pass of a "fastconformer-ctc" network on the CPU over packed windows. Work is cut into tiles of
/// packed rows that run through several layers while they are in cache. Bits of a window's scores do not
/// depend on the other windows, the number of threads or earlier calls.
class FastConformerCtcCpu : public CpuNetwork {
 public:
  /// Precision of the products of feed-forward, attention and convolution layers; subsampling, attention
  /// itself, norms and heads are always f32.
  static StatusOr<std::unique_ptr<CpuNetwork>> Create(const Bundle& bundle,
                                                      const std::vector<std::string>& heads,
                                                      CpuPrecision precision, int threads);

  Status Run(FeatureView features, std::span<const int64_t> window_feature_frames,
             std::span<const MatrixView<float>> nll_per_head) override;

 private:
  struct FeedForward {
    NormWeights norm;
    CpuLinear in, out;
  };
  struct Layer {
    FeedForward feed_forward_1;
    NormWeights attention_norm;
    CpuLinear query_key_value, attention_output, position;
    RelativePositions positions;
    NormWeights convolution_norm;
    CpuLinear pointwise_1, pointwise_2;
    AffineWeights depthwise;
    FeedForward feed_forward_2;
    NormWeights output_norm;
  };

  FastConformerCtcCpu(const FastConformerCtcSizes& sizes, int threads);
  Status BuildLayers(const WeightReader& reader, FastConformerCtcWeights weights, CpuPrecision precision);
  StatusOr<Layer> BuildLayer(FastConformerLayerWeights weights, CpuPrecision precision);
  StatusOr<FeedForward> BuildFeedForward(NormWeights norm, const AffineWeights& in, const AffineWeights& out,
                                         CpuPrecision precision);
  /// Makes every layer's table of relative positions large enough for windows of `frames`.
  Status GrowPositions(int64_t frames);
  Status BeforeAttention(Layer& layer);
  Status AfterAttention(Layer& layer);
  Status AfterConvolution(Layer& layer);
  Status RunFeedForward(FeedForward& layer, int worker, TileScratch* scratch, float* x) const;
  void Normalise(const NormWeights& norm, const float* input, float* output) const;
  /// One tile of the depthwise convolution and its swish, to output [rows, model_width].
  void Depthwise(const Layer& layer, int64_t first, int64_t rows, float* output) const;

  FastConformerCtcSizes sizes_;
  const SimdKernels& simd_;
  std::unique_ptr<TileTeam> team_;
  std::unique_ptr<CpuStridingSubsampling> subsampling_;
  std::vector<Layer> layers_;
  CpuAttention attention_;
  CpuCtcHeads heads_;
  int64_t position_frames_ = 0;  ///< longest window that the tables of positions are for

  std::vector<int64_t> starts_;  ///< first packed row of every window, and the end
  std::vector<int64_t> frames_;  ///< of each window
  std::vector<float> x_;         ///< [rows, model_width]: the residual stream
  std::vector<float> attended_;  ///< [rows, model_width]
  std::vector<float> gated_;     ///< [rows, model_width]: inputs of the depthwise convolution
  std::vector<float> no_frame_;  ///< [model_width] zeros: what a convolution sees beyond a window
};

}  // namespace skald
