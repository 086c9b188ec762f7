#include "models/architectures/whisper_encoder_ctc_cuda.h"

#include <algorithm>
#include <string>

#include "kernels/nn/ragged_attention.h"
#include "kernels/nn/row_maps.h"
#include "kernels/nn/row_norms.h"
#include "models/layers/cuda/device_weights.h"

namespace skald {
namespace {

const float* Floats(const DeviceBuffer<std::byte>& buffer) {
  return reinterpret_cast<const float*>(buffer.data());
}

}  // namespace

WhisperEncoderCtcCuda::WhisperEncoderCtcCuda(const WhisperEncoderCtcSizes& sizes, ElementType type,
                                             const EncoderBatchLimits& limits)
    : sizes_(sizes), type_(type), limits_(limits), layout_(limits, sizes.model_width) {}

StatusOr<WhisperEncoderCtcCuda> WhisperEncoderCtcCuda::Create(
    DeviceContext context, const WhisperEncoderCtcSizes& sizes, const WhisperEncoderCtcWeights& weights,
    ElementType type, const EncoderBatchLimits& limits, int64_t max_window_feature_frames) {
  WhisperEncoderCtcCuda encoder(sizes, type, limits);
  SKALD_RETURN_IF_ERROR(encoder.CreateLibraries(context));
  SKALD_RETURN_IF_ERROR(encoder.CreateLayers(context, weights));
  SKALD_RETURN_IF_ERROR(encoder.CreateBuffers(max_window_feature_frames));
  return encoder;
}

Status WhisperEncoderCtcCuda::CreateLibraries(DeviceContext context) {
  SKALD_CUDA_RETURN_IF_ERROR(cudaSetDevice(context.device));
  cublasLtHandle_t cublas = nullptr;
  SKALD_CUBLAS_RETURN_IF_ERROR(cublasLtCreate(&cublas));
  cublas_.reset(cublas);
  cudnnHandle_t cudnn = nullptr;
  SKALD_CUDNN_RETURN_IF_ERROR(cudnnCreate(&cudnn));
  cudnn_.reset(cudnn);
  SKALD_ASSIGN_OR_RETURN(workspace_,
                         DeviceBuffer<std::byte>::Create(kMathWorkspaceBytes, "library workspace"));
  math_ = {cublas, cudnn, workspace_.data()};
  return Status::Ok();
}

Status WhisperEncoderCtcCuda::CreateLayers(DeviceContext context, const WhisperEncoderCtcWeights& weights) {
  const auto upload = [&](const std::vector<float>& values, const char* purpose,
                          DeviceBuffer<std::byte>* buffer) {
    StatusOr<DeviceBuffer<std::byte>> uploaded = UploadWeights(context, values, ElementType::kF32, purpose);
    if (uploaded.ok()) *buffer = std::move(uploaded).value();
    return uploaded.ok() ? Status::Ok() : std::move(uploaded).status();
  };
  const auto upload_norm = [&](const NormWeights& norm, Norm* target) -> Status {
    SKALD_RETURN_IF_ERROR(upload(norm.gain, "norm", &target->gain));
    return upload(norm.bias, "norm", &target->bias);
  };
  const CudaLinear::Options plain{.input_type = type_, .output_type = type_, .max_rows = limits_.max_rows()};
  CudaLinear::Options accumulate = plain, bare = plain, head_options = plain;
  accumulate.output_type = ElementType::kF32;
  accumulate.accumulate = true;
  bare.use_bias = false;  // the GELU kernel adds it
  head_options.input_type = head_options.output_type = ElementType::kF32;
  const auto make = [&](const AffineWeights& affine, const CudaLinear::Options& options) {
    return CudaLinear::Create(context, math_, affine.weight, affine.bias, options);
  };

  CudaConvolution::Options convolution{.type = type_,
                                       .inputs = sizes_.feature_bins,
                                       .outputs = sizes_.model_width,
                                       .stride = 1,
                                       .max_rows = limits_.max_spaced_rows()};
  for (const AffineWeights* affine : {&weights.convolution_1, &weights.convolution_2}) {
    SKALD_ASSIGN_OR_RETURN(CudaConvolution layer,
                           CudaConvolution::Create(context, math_, affine->weight, convolution));
    convolutions_.push_back(std::move(layer));
    convolution_bias_.emplace_back();
    SKALD_RETURN_IF_ERROR(upload(affine->bias, "convolution bias", &convolution_bias_.back()));
    convolution.inputs = sizes_.model_width;
    convolution.stride = 2;
  }
  SKALD_RETURN_IF_ERROR(upload(weights.positions, "positions", &positions_));
  for (const TransformerLayerWeights& layer : weights.layers) {
    Norm attention_norm, feed_forward_norm;
    SKALD_RETURN_IF_ERROR(upload_norm(layer.attention_norm, &attention_norm));
    SKALD_RETURN_IF_ERROR(upload_norm(layer.feed_forward_norm, &feed_forward_norm));
    SKALD_ASSIGN_OR_RETURN(CudaLinear query_key_value, make(layer.query_key_value, plain));
    SKALD_ASSIGN_OR_RETURN(CudaLinear attention_output, make(layer.attention_output, accumulate));
    SKALD_ASSIGN_OR_RETURN(CudaLinear feed_forward_1, make(layer.feed_forward_1, bare));
    SKALD_ASSIGN_OR_RETURN(CudaLinear feed_forward_2, make(layer.feed_forward_2, accumulate));
    layers_.push_back({std::move(attention_norm), std::move(feed_forward_norm), std::move(query_key_value),
                       std::move(attention_output), std::move(feed_forward_1), std::move(feed_forward_2)});
  }
  SKALD_RETURN_IF_ERROR(upload_norm(weights.final_norm, &final_norm_));
  for (const AffineWeights& head : weights.heads) {
    SKALD_ASSIGN_OR_RETURN(CudaLinear linear, make(head, head_options));
    heads_.push_back(std::move(linear));
  }
  return Status::Ok();
}

Status WhisperEncoderCtcCuda::CreateBuffers(int64_t max_window_feature_frames) {
  const auto rows = static_cast<size_t>(limits_.max_rows());
  const auto spaced = static_cast<size_t>(limits_.max_spaced_rows());
  const auto width = static_cast<size_t>(sizes_.model_width);
  const auto bytes = [this](size_t count, const char* purpose, DeviceBuffer<std::byte>* buffer) -> Status {
    SKALD_ASSIGN_OR_RETURN(*buffer, DeviceBuffer<std::byte>::Create(count * ElementBytes(type_), purpose));
    return Status::Ok();
  };
  SKALD_RETURN_IF_ERROR(
      bytes(spaced * static_cast<size_t>(sizes_.feature_bins), "spaced features", &spaced_features_));
  SKALD_RETURN_IF_ERROR(bytes(spaced * width, "first convolution", &convolved_1_));
  SKALD_RETURN_IF_ERROR(bytes((spaced / 2 + 1) * width, "second convolution", &convolved_2_));
  SKALD_RETURN_IF_ERROR(bytes(rows * 3 * width, "queries, keys and values", &joined_));
  SKALD_RETURN_IF_ERROR(bytes(rows * width, "attention output", &attended_));
  SKALD_RETURN_IF_ERROR(
      bytes(rows * static_cast<size_t>(sizes_.feed_forward_width), "feed-forward layer", &hidden_));
  SKALD_ASSIGN_OR_RETURN(norm_,
                         DeviceBuffer<std::byte>::Create(rows * width * sizeof(float), "normalised rows"));
  SKALD_ASSIGN_OR_RETURN(x_, DeviceBuffer<float>::Create(rows * width, "residual stream"));
  if (sizes_.pool_after_layer) {
    SKALD_ASSIGN_OR_RETURN(pooled_, DeviceBuffer<float>::Create(rows * width, "pooled residual stream"));
  }
  int64_t units = 0;
  for (const CudaLinear& head : heads_) units = std::max(units, head.outputs());
  SKALD_ASSIGN_OR_RETURN(logits_, DeviceBuffer<float>::Create(rows * static_cast<size_t>(units), "logits"));
  SKALD_ASSIGN_OR_RETURN(table_,
                         DeviceBuffer<int32_t>::Create(static_cast<size_t>(layout_.size), "batch table"));
  for (int i = 0; i < kStagings; ++i) {
    Staging staging;
    SKALD_ASSIGN_OR_RETURN(staging.table,
                           PinnedBuffer<int32_t>::Create(static_cast<size_t>(layout_.size), "batch table"));
    cudaEvent_t event = nullptr;
    SKALD_CUDA_RETURN_IF_ERROR(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    staging.copied.reset(event);
    stagings_.push_back(std::move(staging));
  }
  if (type_ != ElementType::kF32) {
    SKALD_ASSIGN_OR_RETURN(
        CudaRaggedAttention attention,
        CudaRaggedAttention::Create(math_, {.type = type_,
                                            .heads = sizes_.attention_heads,
                                            .max_windows = limits_.windows,
                                            .max_frames = (max_window_feature_frames + 1) / 2}));
    attention_.emplace(std::move(attention));
  }
  return Status::Ok();
}

Status WhisperEncoderCtcCuda::Upload(DeviceContext context, std::span<const int64_t> window_feature_frames) {
  Staging& staging = stagings_[next_staging_++ % stagings_.size()];
  SKALD_CUDA_RETURN_IF_ERROR(cudaEventSynchronize(staging.copied.get()));
  counts_ = layout_.Fill(window_feature_frames, {staging.table.data(), staging.table.size()});
  SKALD_CUDA_RETURN_IF_ERROR(cudaMemcpyAsync(table_.data(), staging.table.data(),
                                             staging.table.size() * sizeof(int32_t), cudaMemcpyHostToDevice,
                                             context.stream));
  SKALD_CUDA_RETURN_IF_ERROR(cudaEventRecord(staging.copied.get(), context.stream));
  return Status::Ok();
}

Status WhisperEncoderCtcCuda::Run(DeviceContext context, FeatureView features,
                                  std::span<const int64_t> window_feature_frames,
                                  std::span<const MatrixView<float>> nll_per_head) {
  SKALD_CUDA_RETURN_IF_ERROR(cudaSetDevice(context.device));
  SKALD_RETURN_IF_ERROR(Upload(context, window_feature_frames));
  if (counts_.rows[0] == 0) return Status::Ok();
  SKALD_RETURN_IF_ERROR(Convolve(context, features));
  int stage = 0;
  for (size_t layer = 0; layer < layers_.size(); ++layer) {
    SKALD_RETURN_IF_ERROR(RunLayer(context, layers_[layer], stage));
    if (sizes_.pool_after_layer == static_cast<int>(layer)) {
      SKALD_RETURN_IF_ERROR(LaunchPoolPairs(context, x_.data(), Table(layout_.pool_first),
                                            Table(layout_.pool_second), counts_.rows[1], sizes_.model_width,
                                            pooled_.data()));
      stage = 1;
    }
  }
  return Heads(context, counts_.rows[stage], nll_per_head);
}

Status WhisperEncoderCtcCuda::Convolve(DeviceContext context, FeatureView features) {
  const int32_t* spaced_source = Table(layout_.spaced_source);
  const int64_t width = sizes_.model_width;
  SKALD_RETURN_IF_ERROR(
      LaunchSpaceRows(context, features, spaced_source, counts_.spaced_rows, type_, spaced_features_.data()));
  SKALD_RETURN_IF_ERROR(convolutions_[0].Run(context, math_, spaced_features_.data(), counts_.spaced_rows,
                                             convolved_1_.data()));
  SKALD_RETURN_IF_ERROR(LaunchBiasGelu(context, convolved_1_.data(), counts_.spaced_rows, width,
                                       Floats(convolution_bias_[0]), spaced_source, type_));
  SKALD_RETURN_IF_ERROR(
      convolutions_[1].Run(context, math_, convolved_1_.data(), counts_.spaced_rows, convolved_2_.data()));
  return LaunchGatherWithPositions(context, convolved_2_.data(), type_, Table(layout_.frame_source),
                                   Table(layout_.position), counts_.rows[0], width,
                                   Floats(convolution_bias_[1]), Floats(positions_), x_.data());
}

Status WhisperEncoderCtcCuda::RunLayer(DeviceContext context, const Layer& layer, int stage) {
  const int64_t rows = counts_.rows[stage], width = sizes_.model_width;
  const auto epsilon = static_cast<float>(sizes_.layer_norm_epsilon);
  float* x = stage == 0 ? x_.data() : pooled_.data();
  SKALD_RETURN_IF_ERROR(LaunchLayerNorm(context, x, rows, width, Floats(layer.attention_norm.gain),
                                        Floats(layer.attention_norm.bias), epsilon, type_, norm_.data()));
  SKALD_RETURN_IF_ERROR(layer.query_key_value.Run(context, math_, norm_.data(), rows, joined_.data()));
  const AttentionTable& table = layout_.attention[stage];
  if (attention_) {
    const CudaRaggedAttention::Batch batch{Table(table.frames), Table(table.input_offset),
                                           Table(table.output_offset)};
    SKALD_RETURN_IF_ERROR(attention_->Run(context, math_, joined_.data(), batch, attended_.data()));
  } else {
    SKALD_RETURN_IF_ERROR(
        LaunchRaggedAttention(context, Floats(joined_), sizes_.attention_heads,
                              reinterpret_cast<const RaggedAttentionBlock*>(Table(table.blocks)),
                              counts_.blocks[stage], reinterpret_cast<float*>(attended_.data())));
  }
  SKALD_RETURN_IF_ERROR(layer.attention_output.Run(context, math_, attended_.data(), rows, x));
  SKALD_RETURN_IF_ERROR(LaunchLayerNorm(context, x, rows, width, Floats(layer.feed_forward_norm.gain),
                                        Floats(layer.feed_forward_norm.bias), epsilon, type_, norm_.data()));
  SKALD_RETURN_IF_ERROR(layer.feed_forward_1.Run(context, math_, norm_.data(), rows, hidden_.data()));
  SKALD_RETURN_IF_ERROR(LaunchBiasGelu(context, hidden_.data(), rows, sizes_.feed_forward_width,
                                       layer.feed_forward_1.bias(), nullptr, type_));
  return layer.feed_forward_2.Run(context, math_, hidden_.data(), rows, x);
}

Status WhisperEncoderCtcCuda::Heads(DeviceContext context, int64_t rows,
                                    std::span<const MatrixView<float>> nll_per_head) {
  const float* x = sizes_.pool_after_layer ? pooled_.data() : x_.data();
  SKALD_RETURN_IF_ERROR(LaunchLayerNorm(
      context, x, rows, sizes_.model_width, Floats(final_norm_.gain), Floats(final_norm_.bias),
      static_cast<float>(sizes_.layer_norm_epsilon), ElementType::kF32, norm_.data()));
  for (size_t head = 0; head < heads_.size(); ++head) {
    SKALD_RETURN_IF_ERROR(heads_[head].Run(context, math_, norm_.data(), rows, logits_.data()));
    SKALD_RETURN_IF_ERROR(LaunchNegativeLogSoftmax(context, logits_.data(), nll_per_head[head]));
  }
  return Status::Ok();
}

}  // namespace skald
