#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/cuda/device_buffer.h"
#include "kernels/nn/waveform_convolution.h"
#include "models/architectures/cuda_network.h"
#include "models/architectures/wav2vec2_ctc.h"
#include "models/layers/cuda/convolution.h"
#include "models/layers/cuda/ctc_heads.h"
#include "models/layers/cuda/math_libraries.h"
#include "models/layers/cuda/staged_table.h"
#include "models/layers/cuda/transformer.h"

namespace skald {

/// Forward pass of a "wav2vec2-ctc" network on a CUDA device. Windows lie one after the other in the outputs
/// of the first convolution, each from a multiple of the strides that follow, so that one convolution over
/// the whole batch gives every window's rows at known places; rows that see two windows are not read. The
/// first two convolutions take about 5 MB of device memory a second of audio in f16.
class Wav2Vec2CtcCuda : public CudaNetwork {
 public:
  static StatusOr<std::unique_ptr<CudaNetwork>> Create(DeviceContext context, const Bundle& bundle,
                                                       const std::vector<std::string>& heads,
                                                       ElementType type, const CudaNetworkLimits& limits);

  Status Run(DeviceContext context, FeatureView features, std::span<const int64_t> window_feature_frames,
             std::span<const MatrixView<float>> nll_per_head) override;

 private:
  Wav2Vec2CtcCuda(const Wav2Vec2CtcSizes& sizes, ElementType type, const CudaNetworkLimits& limits);
  Status CreateConvolutions(DeviceContext context, const Wav2Vec2CtcWeights& weights);
  Status CreateEncoder(DeviceContext context, const WeightReader& reader, const Wav2Vec2CtcWeights& weights);
  Status CreateBuffers();
  /// Makes the batch's table; fills the counts below.
  void Fill(std::span<const int64_t> window_samples, std::span<int32_t> table);
  Status Convolve(DeviceContext context, const float* samples);
  Status Project(DeviceContext context);

  Wav2Vec2CtcSizes sizes_;
  ElementType type_;
  CudaNetworkLimits limits_;
  int64_t step_ = 1;             ///< product of the strides after the first convolution
  int64_t max_spaced_rows_ = 0;  ///< of the first convolution
  int64_t max_rows_ = 0;         ///< of scores

  // Places in the table.
  int64_t table_size_ = 0;
  int64_t waveform_windows_, waveform_blocks_, frame_source_, position_source_, position_frame_;
  AttentionTable attention_;
  // Of the batch.
  int64_t windows_ = 0, spaced_rows_ = 0, position_rows_ = 0;

  MathLibraries libraries_;
  MathContext math_;
  WaveformShape waveform_;
  DeviceBuffer<std::byte> first_weights_;      ///< f32 [channels, taps], or folded [taps + 1, channels]
  std::vector<DeviceNorm> convolution_norms_;  ///< of all convolutions, or of the first
  std::vector<CudaConvolution> convolutions_;  ///< after the first
  std::vector<DeviceBuffer<std::byte>> convolution_bias_;  ///< f32, of all convolutions
  DeviceNorm projection_norm_;
  std::vector<CudaLinear> projection_;                 ///< one
  std::vector<CudaConvolution> position_convolution_;  ///< one
  DeviceBuffer<std::byte> position_bias_;              ///< f32
  DeviceNorm encoder_norm_;
  std::optional<CudaTransformer> transformer_;
  std::optional<CudaCtcHeads> heads_;

  std::optional<StagedTable> table_;
  DeviceBuffer<double> moments_;
  DeviceBuffer<float> folded_;
  DeviceBuffer<std::byte> convolved_[2];      ///< of type_
  DeviceBuffer<float> gathered_;              ///< [rows, channels]
  DeviceBuffer<std::byte> projection_input_;  ///< [rows, channels] of type_
  DeviceBuffer<std::byte> spaced_;            ///< [position rows, model_width] of type_
  DeviceBuffer<std::byte> positions_;         ///< the same after the position convolution
  DeviceBuffer<float> x_;                     ///< [rows, model_width]
};

}  // namespace skald
