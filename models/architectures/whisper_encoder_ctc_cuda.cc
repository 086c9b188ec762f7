#include "models/architectures/whisper_encoder_ctc_cuda.h"

#include <utility>

#include "kernels/nn/row_maps.h"
#include "models/layers/cuda/device_weights.h"

namespace skald {
namespace {

const float* Floats(const DeviceBuffer<std::byte>& buffer) {
  return reinterpret_cast<const float*>(buffer.data());
}

}  // namespace

WhisperEncoderCtcCuda::WhisperEncoderCtcCuda(const WhisperEncoderCtcSizes& sizes, ElementType type,
                                             const CudaNetworkLimits& limits)
    : sizes_(sizes),
      type_(type),
      limits_(limits),
      layout_({limits.feature_frames, limits.windows}, sizes.model_width) {}

StatusOr<std::unique_ptr<CudaNetwork>> WhisperEncoderCtcCuda::Create(DeviceContext context,
                                                                     const Bundle& bundle,
                                                                     const std::vector<std::string>& heads,
                                                                     ElementType type,
                                                                     const CudaNetworkLimits& limits) {
  SKALD_ASSIGN_OR_RETURN(const WhisperEncoderCtcWeights weights, ReadWhisperEncoderCtcWeights(bundle, heads));
  auto network = std::unique_ptr<WhisperEncoderCtcCuda>(
      new WhisperEncoderCtcCuda(std::get<WhisperEncoderCtcSizes>(bundle.manifest().sizes), type, limits));
  SKALD_ASSIGN_OR_RETURN(network->libraries_, MathLibraries::Create(context));
  network->math_ = network->libraries_.context();
  SKALD_RETURN_IF_ERROR(network->CreateBuffers());
  SKALD_RETURN_IF_ERROR(network->CreateLayers(context, weights));
  return std::unique_ptr<CudaNetwork>(std::move(network));
}

Status WhisperEncoderCtcCuda::CreateLayers(DeviceContext context, const WhisperEncoderCtcWeights& weights) {
  CudaConvolution::Options convolution{.type = type_,
                                       .inputs = sizes_.feature_bins,
                                       .outputs = sizes_.model_width,
                                       .stride = 1,
                                       .max_rows = layout_.limits().max_spaced_rows()};
  for (const AffineWeights* affine : {&weights.convolution_1, &weights.convolution_2}) {
    SKALD_ASSIGN_OR_RETURN(CudaConvolution layer,
                           CudaConvolution::Create(context, math_, affine->weight, convolution));
    convolutions_.push_back(std::move(layer));
    SKALD_ASSIGN_OR_RETURN(DeviceBuffer<std::byte> bias,
                           UploadWeights(context, affine->bias, ElementType::kF32, "convolution bias"));
    convolution_bias_.push_back(std::move(bias));
    convolution.inputs = sizes_.model_width;
    convolution.stride = 2;
  }
  SKALD_ASSIGN_OR_RETURN(positions_,
                         UploadWeights(context, weights.positions, ElementType::kF32, "positions"));
  SKALD_ASSIGN_OR_RETURN(
      CudaTransformer transformer,
      CudaTransformer::Create(math_, {.type = type_,
                                      .width = sizes_.model_width,
                                      .attention_heads = sizes_.attention_heads,
                                      .feed_forward_width = sizes_.feed_forward_width,
                                      .norm_first = true,
                                      .layer_norm_epsilon = sizes_.layer_norm_epsilon,
                                      .max_rows = layout_.limits().max_rows(),
                                      .max_windows = limits_.windows,
                                      .max_window_frames = (limits_.window_feature_frames + 1) / 2}));
  transformer_.emplace(std::move(transformer));
  for (const TransformerLayerWeights& layer : weights.layers) {
    SKALD_RETURN_IF_ERROR(transformer_->AddLayer(context, math_, layer));
  }
  SKALD_ASSIGN_OR_RETURN(final_norm_, UploadNorm(context, weights.final_norm));
  SKALD_ASSIGN_OR_RETURN(
      CudaCtcHeads heads,
      CudaCtcHeads::Create(context, math_, weights.heads, sizes_.model_width, layout_.limits().max_rows()));
  heads_.emplace(std::move(heads));
  return Status::Ok();
}

Status WhisperEncoderCtcCuda::CreateBuffers() {
  const auto rows = static_cast<size_t>(layout_.limits().max_rows());
  const auto spaced = static_cast<size_t>(layout_.limits().max_spaced_rows());
  const auto width = static_cast<size_t>(sizes_.model_width);
  const auto bytes = [this](size_t count, const char* purpose, DeviceBuffer<std::byte>* buffer) -> Status {
    SKALD_ASSIGN_OR_RETURN(*buffer, DeviceBuffer<std::byte>::Create(count * ElementBytes(type_), purpose));
    return Status::Ok();
  };
  SKALD_RETURN_IF_ERROR(
      bytes(spaced * static_cast<size_t>(sizes_.feature_bins), "spaced features", &spaced_features_));
  SKALD_RETURN_IF_ERROR(bytes(spaced * width, "first convolution", &convolved_1_));
  SKALD_RETURN_IF_ERROR(bytes((spaced / 2 + 1) * width, "second convolution", &convolved_2_));
  SKALD_ASSIGN_OR_RETURN(x_, DeviceBuffer<float>::Create(rows * width, "residual stream"));
  if (sizes_.pool_after_layer) {
    SKALD_ASSIGN_OR_RETURN(pooled_, DeviceBuffer<float>::Create(rows * width, "pooled residual stream"));
  }
  SKALD_ASSIGN_OR_RETURN(StagedTable table, StagedTable::Create(layout_.size));
  table_.emplace(std::move(table));
  return Status::Ok();
}

Status WhisperEncoderCtcCuda::Run(DeviceContext context, FeatureView features,
                                  std::span<const int64_t> window_feature_frames,
                                  std::span<const MatrixView<float>> nll_per_head) {
  SKALD_CUDA_RETURN_IF_ERROR(cudaSetDevice(context.device));
  SKALD_ASSIGN_OR_RETURN(const std::span<int32_t> table, table_->Begin());
  counts_ = layout_.Fill(window_feature_frames, table);
  SKALD_RETURN_IF_ERROR(table_->Upload(context));
  if (counts_.rows[0] == 0) return Status::Ok();
  SKALD_RETURN_IF_ERROR(Convolve(context, features));
  float* x = x_.data();
  int stage = 0;
  for (int layer = 0; layer < transformer_->layers(); ++layer) {
    SKALD_RETURN_IF_ERROR(transformer_->RunLayer(context, math_, layer,
                                                 layout_.attention[static_cast<size_t>(stage)], *table_, x));
    if (sizes_.pool_after_layer == layer) {
      SKALD_RETURN_IF_ERROR(LaunchPoolPairs(context, x, table_->At(layout_.pool_first),
                                            table_->At(layout_.pool_second), counts_.rows[1],
                                            sizes_.model_width, pooled_.data()));
      x = pooled_.data();
      stage = 1;
    }
  }
  return heads_->Run(context, math_, x, counts_.rows[stage], &final_norm_, sizes_.layer_norm_epsilon,
                     nll_per_head);
}

Status WhisperEncoderCtcCuda::Convolve(DeviceContext context, FeatureView features) {
  const int32_t* spaced_source = table_->At(layout_.spaced_source);
  const int64_t width = sizes_.model_width;
  SKALD_RETURN_IF_ERROR(
      LaunchSpaceRows(context, features, spaced_source, counts_.spaced_rows, type_, spaced_features_.data()));
  SKALD_RETURN_IF_ERROR(convolutions_[0].Run(context, math_, spaced_features_.data(), counts_.spaced_rows,
                                             convolved_1_.data()));
  SKALD_RETURN_IF_ERROR(LaunchBiasActivation(context, convolved_1_.data(), counts_.spaced_rows, width,
                                             Floats(convolution_bias_[0]), spaced_source,
                                             RowActivation::kGelu, type_));
  SKALD_RETURN_IF_ERROR(
      convolutions_[1].Run(context, math_, convolved_1_.data(), counts_.spaced_rows, convolved_2_.data()));
  return LaunchGatherWithPositions(context, convolved_2_.data(), type_, table_->At(layout_.frame_source),
                                   table_->At(layout_.position), counts_.rows[0], width,
                                   Floats(convolution_bias_[1]), Floats(positions_), x_.data());
}

}  // namespace skald
