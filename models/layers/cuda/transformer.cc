#include "models/layers/cuda/transformer.h"

#include <utility>

#include "kernels/nn/ragged_attention.h"
#include "kernels/nn/relative_attention.h"
#include "kernels/nn/row_maps.h"
#include "kernels/nn/row_norms.h"

namespace skald {
namespace {

constexpr int kFusedHeadWidth = 64;  ///< of cuDNN's attention and of LaunchRaggedAttention

}  // namespace

StatusOr<CudaTransformer> CudaTransformer::Create(const MathContext& math, const Options& options) {
  CudaTransformer transformer(options);
  const auto rows = static_cast<size_t>(options.max_rows), width = static_cast<size_t>(options.width);
  const auto allocate = [&](size_t columns, const char* purpose, DeviceBuffer<std::byte>* buffer) -> Status {
    SKALD_ASSIGN_OR_RETURN(
        *buffer, DeviceBuffer<std::byte>::Create(rows * columns * ElementBytes(options.type), purpose));
    return Status::Ok();
  };
  SKALD_RETURN_IF_ERROR(allocate(width, "normalised rows", &transformer.norm_));
  SKALD_RETURN_IF_ERROR(allocate(3 * width, "queries, keys and values", &transformer.joined_));
  SKALD_RETURN_IF_ERROR(allocate(width, "attention output", &transformer.attended_));
  SKALD_RETURN_IF_ERROR(
      allocate(static_cast<size_t>(options.feed_forward_width), "feed-forward layer", &transformer.hidden_));
  const int head_width = options.width / options.attention_heads;
  if (head_width > kRelativeAttentionMaxWidth) {
    return Status::Unsupported("attention heads of " + std::to_string(head_width) +
                               " columns on CUDA; at most " + std::to_string(kRelativeAttentionMaxWidth));
  }
  if (head_width == kFusedHeadWidth && options.type != ElementType::kF32) {
    SKALD_ASSIGN_OR_RETURN(CudaRaggedAttention attention,
                           CudaRaggedAttention::Create(math, {.type = options.type,
                                                              .heads = options.attention_heads,
                                                              .max_windows = options.max_windows,
                                                              .max_frames = options.max_window_frames}));
    transformer.attention_.emplace(std::move(attention));
  }
  return transformer;
}

Status CudaTransformer::AddLayer(DeviceContext context, const MathContext& math,
                                 const TransformerLayerWeights& weights) {
  const CudaLinear::Options plain{
      .input_type = options_.type, .output_type = options_.type, .max_rows = options_.max_rows};
  CudaLinear::Options accumulate = plain, bare = plain;
  accumulate.output_type = ElementType::kF32;
  accumulate.accumulate = true;
  bare.use_bias = false;  // the GELU kernel adds it
  const auto make = [&](const AffineWeights& affine, const CudaLinear::Options& options) {
    return CudaLinear::Create(context, math, affine.weight, affine.bias, options);
  };
  SKALD_ASSIGN_OR_RETURN(DeviceNorm attention_norm, UploadNorm(context, weights.attention_norm));
  SKALD_ASSIGN_OR_RETURN(DeviceNorm feed_forward_norm, UploadNorm(context, weights.feed_forward_norm));
  SKALD_ASSIGN_OR_RETURN(CudaLinear query_key_value, make(weights.query_key_value, plain));
  SKALD_ASSIGN_OR_RETURN(CudaLinear attention_output, make(weights.attention_output, accumulate));
  SKALD_ASSIGN_OR_RETURN(CudaLinear feed_forward_1, make(weights.feed_forward_1, bare));
  SKALD_ASSIGN_OR_RETURN(CudaLinear feed_forward_2, make(weights.feed_forward_2, accumulate));
  layers_.push_back({std::move(attention_norm), std::move(feed_forward_norm), std::move(query_key_value),
                     std::move(attention_output), std::move(feed_forward_1), std::move(feed_forward_2)});
  return Status::Ok();
}

Status CudaTransformer::InputOf(DeviceContext context, const DeviceNorm& norm, const float* x, int64_t rows) {
  if (!options_.norm_first) {
    return LaunchSpaceRows(context, {x, rows, options_.width}, nullptr, rows, options_.type, norm_.data());
  }
  return LaunchLayerNorm(context, x, rows, options_.width, norm.gain(), norm.bias(),
                         static_cast<float>(options_.layer_norm_epsilon), options_.type, norm_.data());
}

Status CudaTransformer::Finish(DeviceContext context, const DeviceNorm& norm, float* x, int64_t rows) {
  if (options_.norm_first) return Status::Ok();
  return LaunchLayerNorm(context, x, rows, options_.width, norm.gain(), norm.bias(),
                         static_cast<float>(options_.layer_norm_epsilon), ElementType::kF32, x);
}

Status CudaTransformer::Attend(DeviceContext context, const MathContext& math, const AttentionTable& windows,
                               const StagedTable& table) {
  if (attention_) {
    const CudaRaggedAttention::Batch batch{table.At(windows.frames), table.At(windows.input_offset),
                                           table.At(windows.output_offset)};
    return attention_->Run(context, math, joined_.data(), batch, attended_.data());
  }
  const auto* blocks = reinterpret_cast<const RaggedAttentionBlock*>(table.At(windows.blocks));
  const int head_width = options_.width / options_.attention_heads;
  if (head_width == kFusedHeadWidth) {
    return LaunchRaggedAttention(context, reinterpret_cast<const float*>(joined_.data()),
                                 options_.attention_heads, blocks, windows.block_count(),
                                 reinterpret_cast<float*>(attended_.data()));
  }
  RelativeAttention attention;
  attention.query_key_value = joined_.data();
  attention.heads = options_.attention_heads;
  attention.head_width = head_width;
  attention.type = options_.type;
  return LaunchRelativeAttention(context, attention, blocks, windows.block_count(), attended_.data());
}

Status CudaTransformer::RunLayer(DeviceContext context, const MathContext& math, int layer_index,
                                 const AttentionTable& windows, const StagedTable& table, float* x) {
  const Layer& layer = layers_[static_cast<size_t>(layer_index)];
  const int64_t rows = windows.rows();
  SKALD_RETURN_IF_ERROR(InputOf(context, layer.attention_norm, x, rows));
  SKALD_RETURN_IF_ERROR(layer.query_key_value.Run(context, math, norm_.data(), rows, joined_.data()));
  SKALD_RETURN_IF_ERROR(Attend(context, math, windows, table));
  SKALD_RETURN_IF_ERROR(layer.attention_output.Run(context, math, attended_.data(), rows, x));
  SKALD_RETURN_IF_ERROR(Finish(context, layer.attention_norm, x, rows));
  SKALD_RETURN_IF_ERROR(InputOf(context, layer.feed_forward_norm, x, rows));
  SKALD_RETURN_IF_ERROR(layer.feed_forward_1.Run(context, math, norm_.data(), rows, hidden_.data()));
  SKALD_RETURN_IF_ERROR(LaunchBiasActivation(context, hidden_.data(), rows, options_.feed_forward_width,
                                             layer.feed_forward_1.bias(), nullptr, RowActivation::kGelu,
                                             options_.type));
  SKALD_RETURN_IF_ERROR(layer.feed_forward_2.Run(context, math, hidden_.data(), rows, x));
  return Finish(context, layer.feed_forward_norm, x, rows);
}

}  // namespace skald
