#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/cuda/device_buffer.h"
#include "base/cuda/device_context.h"
#include "base/status.h"
#include "base/view.h"
#include "kernels/nn/element_type.h"
#include "models/architectures/encoder_batch_tables.h"
#include "models/architectures/whisper_encoder_ctc.h"
#include "models/layers/cuda/attention.h"
#include "models/layers/cuda/convolution.h"
#include "models/layers/cuda/linear.h"
#include "models/layers/cuda/math_handles.h"

namespace skald {

/// Forward pass of a "whisper-encoder-ctc" network on a CUDA device over packed windows. Activations are of
/// one type; the residual stream, sums, norms, softmax and the heads are f32. Create allocates everything for
/// the limits; Run queues one small copy and the kernels on the caller's stream.
class WhisperEncoderCtcCuda {
 public:
  static StatusOr<WhisperEncoderCtcCuda> Create(DeviceContext context, const WhisperEncoderCtcSizes& sizes,
                                                const WhisperEncoderCtcWeights& weights, ElementType type,
                                                const EncoderBatchLimits& limits,
                                                int64_t max_window_feature_frames);
  WhisperEncoderCtcCuda(WhisperEncoderCtcCuda&&) noexcept = default;

  /// As CudaAcousticModel::Run, arguments already checked.
  Status Run(DeviceContext context, FeatureView features, std::span<const int64_t> window_feature_frames,
             std::span<const MatrixView<float>> nll_per_head);

 private:
  struct Norm {
    DeviceBuffer<std::byte> gain, bias;  ///< f32
  };
  struct Layer {
    Norm attention_norm, feed_forward_norm;
    CudaLinear query_key_value, attention_output, feed_forward_1, feed_forward_2;
  };
  /// Host memory that a queued copy reads; free again when its event has passed.
  struct Staging {
    PinnedBuffer<int32_t> table;
    MathHandle<cudaEvent_t, cudaEventDestroy> copied;
  };
  static constexpr int kStagings = 4;

  WhisperEncoderCtcCuda(const WhisperEncoderCtcSizes& sizes, ElementType type,
                        const EncoderBatchLimits& limits);
  Status CreateLibraries(DeviceContext context);
  Status CreateLayers(DeviceContext context, const WhisperEncoderCtcWeights& weights);
  Status CreateBuffers(int64_t max_window_feature_frames);
  Status Upload(DeviceContext context, std::span<const int64_t> window_feature_frames);
  Status Convolve(DeviceContext context, FeatureView features);
  Status RunLayer(DeviceContext context, const Layer& layer, int stage);
  Status Heads(DeviceContext context, int64_t rows, std::span<const MatrixView<float>> nll_per_head);
  int32_t* Table(int64_t place) const { return table_.data() + place; }

  WhisperEncoderCtcSizes sizes_;
  ElementType type_;
  EncoderBatchLimits limits_;
  EncoderBatchLayout layout_;
  EncoderBatchLayout::Counts counts_;

  CublasLtHandle cublas_;
  CudnnHandle cudnn_;
  DeviceBuffer<std::byte> workspace_;
  MathContext math_;

  std::vector<CudaConvolution> convolutions_;              ///< two
  std::vector<DeviceBuffer<std::byte>> convolution_bias_;  ///< f32
  DeviceBuffer<std::byte> positions_;                      ///< f32
  std::vector<Layer> layers_;
  Norm final_norm_;
  std::vector<CudaLinear> heads_;
  std::optional<CudaRaggedAttention> attention_;  ///< f16 and bf16

  std::vector<Staging> stagings_;
  size_t next_staging_ = 0;
  DeviceBuffer<int32_t> table_;
  DeviceBuffer<std::byte> spaced_features_, convolved_1_, convolved_2_;  ///< of type_
  DeviceBuffer<float> x_, pooled_;                                       ///< [rows, model_width]
  DeviceBuffer<std::byte> norm_;      ///< [rows, model_width] of type_, f32 before the heads
  DeviceBuffer<std::byte> joined_;    ///< [rows, 3 * model_width]: queries, keys, values
  DeviceBuffer<std::byte> attended_;  ///< [rows, model_width]
  DeviceBuffer<std::byte> hidden_;    ///< [rows, feed_forward_width]
  DeviceBuffer<float> logits_;        ///< [rows, units]
};

}  // namespace skald
