#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/cuda/device_buffer.h"
#include "models/architectures/cuda_network.h"
#include "models/architectures/encoder_batch_tables.h"
#include "models/architectures/whisper_encoder_ctc.h"
#include "models/layers/cuda/convolution.h"
#include "models/layers/cuda/ctc_heads.h"
#include "models/layers/cuda/math_libraries.h"
#include "models/layers/cuda/staged_table.h"
#include "models/layers/cuda/transformer.h"

namespace skald {

/// Forward pass of a "whisper-encoder-ctc" network on a CUDA device.
class WhisperEncoderCtcCuda : public CudaNetwork {
 public:
  static StatusOr<std::unique_ptr<CudaNetwork>> Create(DeviceContext context, const Bundle& bundle,
                                                       const std::vector<std::string>& heads,
                                                       ElementType type, const CudaNetworkLimits& limits);

  Status Run(DeviceContext context, FeatureView features, std::span<const int64_t> window_feature_frames,
             std::span<const MatrixView<float>> nll_per_head) override;

 private:
  WhisperEncoderCtcCuda(const WhisperEncoderCtcSizes& sizes, ElementType type,
                        const CudaNetworkLimits& limits);
  Status CreateLayers(DeviceContext context, const WhisperEncoderCtcWeights& weights);
  Status CreateBuffers();
  Status Convolve(DeviceContext context, FeatureView features);

  WhisperEncoderCtcSizes sizes_;
  ElementType type_;
  CudaNetworkLimits limits_;
  EncoderBatchLayout layout_;
  EncoderBatchLayout::Counts counts_;
  MathLibraries libraries_;
  MathContext math_;

  std::vector<CudaConvolution> convolutions_;              ///< two
  std::vector<DeviceBuffer<std::byte>> convolution_bias_;  ///< f32
  DeviceBuffer<std::byte> positions_;                      ///< f32
  std::optional<CudaTransformer> transformer_;
  DeviceNorm final_norm_;
  std::optional<CudaCtcHeads> heads_;

  std::optional<StagedTable> table_;
  DeviceBuffer<std::byte> spaced_features_, convolved_1_, convolved_2_;  ///< of type_
  DeviceBuffer<float> x_, pooled_;                                       ///< [rows, model_width]
};

}  // namespace skald
