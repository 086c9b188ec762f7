#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/cuda/device_buffer.h"
#include "kernels/nn/conformer_rows.h"
#include "models/architectures/cuda_network.h"
#include "models/architectures/fastconformer_ctc.h"
#include "models/layers/cuda/attention_table.h"
#include "models/layers/cuda/ctc_heads.h"
#include "models/layers/cuda/device_weights.h"
#include "models/layers/cuda/linear.h"
#include "models/layers/cuda/math_libraries.h"
#include "models/layers/cuda/staged_table.h"

namespace skald {

/// Forward pass of a "fastconformer-ctc" network on a CUDA device.
class FastConformerCtcCuda : public CudaNetwork {
 public:
  static StatusOr<std::unique_ptr<CudaNetwork>> Create(DeviceContext context, const Bundle& bundle,
                                                       const std::vector<std::string>& heads,
                                                       ElementType type, const CudaNetworkLimits& limits);

  Status Run(DeviceContext context, FeatureView features, std::span<const int64_t> window_feature_frames,
             std::span<const MatrixView<float>> nll_per_head) override;

 private:
  struct FeedForward {
    DeviceNorm norm;
    CudaLinear in, out;
  };
  struct Layer {
    FeedForward feed_forward_1, feed_forward_2;
    DeviceNorm attention_norm, convolution_norm, output_norm;
    CudaLinear query_key_value, attention_output, pointwise_1, pointwise_2;
    DeviceBuffer<std::byte> content_bias, position_bias;        ///< f32
    DeviceBuffer<std::byte> position_keys;                      ///< of type_
    DeviceBuffer<std::byte> depthwise_weights, depthwise_bias;  ///< f32
  };
  /// A stage of subsampling: its depthwise (or first) convolution, and places of its rows in the table.
  struct Stage {
    DeviceBuffer<std::byte> weights, bias;  ///< f32
    int64_t windows = 0, centres = 0;
    int64_t max_rows = 0;
    int64_t rows = 0;  ///< of the batch
  };

  FastConformerCtcCuda(const FastConformerCtcSizes& sizes, ElementType type, const CudaNetworkLimits& limits);
  Status CreateSubsampling(DeviceContext context, const FastConformerCtcWeights& weights);
  StatusOr<Layer> CreateLayer(DeviceContext context, FastConformerLayerWeights weights,
                              const DeviceBuffer<std::byte>& sinusoids);
  StatusOr<FeedForward> CreateFeedForward(DeviceContext context, const NormWeights& norm,
                                          const AffineWeights& in, const AffineWeights& out);
  Status CreateBuffers();
  void Fill(std::span<const int64_t> window_feature_frames, std::span<int32_t> table);
  Status Subsample(DeviceContext context, FeatureView features);
  Status RunLayer(DeviceContext context, const Layer& layer);
  Status RunFeedForward(DeviceContext context, const FeedForward& layer);
  Status Normalise(DeviceContext context, const DeviceNorm& norm, ElementType type, void* output);

  FastConformerCtcSizes sizes_;
  ElementType type_;
  CudaNetworkLimits limits_;
  int64_t max_rows_ = 0;
  int64_t max_position_ = 0;

  int64_t table_size_ = 0;
  Stage stages_[3];
  int64_t row_windows_ = 0;  ///< place of [rows] RowWindow
  std::optional<AttentionTable> attention_;

  MathLibraries libraries_;
  MathContext math_;
  std::vector<CudaLinear> pointwise_;   ///< two
  std::vector<CudaLinear> projection_;  ///< one
  DeviceBuffer<std::byte> no_bias_;     ///< f32 [subsampling_channels] zeros
  std::vector<Layer> layers_;
  std::optional<CudaCtcHeads> heads_;

  std::optional<StagedTable> table_;
  DeviceBuffer<std::byte> subsampled_[2];  ///< of type_: stages in turn
  DeviceBuffer<float> x_;                  ///< [rows, model_width]
  DeviceBuffer<std::byte> norm_;           ///< [rows, model_width] of type_, and so below
  DeviceBuffer<std::byte> joined_;         ///< [rows, 3 * model_width]
  DeviceBuffer<std::byte> attended_;       ///< [rows, model_width]
  DeviceBuffer<std::byte> hidden_;         ///< [rows, feed_forward_width]
};

}  // namespace skald
