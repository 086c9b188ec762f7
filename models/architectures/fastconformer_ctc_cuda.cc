#include "models/architectures/fastconformer_ctc_cuda.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/nn/relative_attention.h"
#include "kernels/nn/row_maps.h"
#include "kernels/nn/row_norms.h"

namespace skald {
namespace {

constexpr int64_t kWindowInts = sizeof(RowWindow) / sizeof(int32_t);

const float* Floats(const DeviceBuffer<std::byte>& buffer) {
  return reinterpret_cast<const float*>(buffer.data());
}

/// The bias, or zeros where the layer has none.
std::vector<float> BiasOf(const AffineWeights& weights, size_t outputs) {
  std::vector<float> bias = weights.bias;
  bias.resize(outputs, 0.0f);
  return bias;
}

StatusOr<CudaLinear> MakeLinear(DeviceContext context, const MathContext& math, const AffineWeights& weights,
                                int inputs, const CudaLinear::Options& options) {
  return CudaLinear::Create(context, math, weights.weight,
                            BiasOf(weights, weights.weight.size() / static_cast<size_t>(inputs)), options);
}

}  // namespace

FastConformerCtcCuda::FastConformerCtcCuda(const FastConformerCtcSizes& sizes, ElementType type,
                                           const CudaNetworkLimits& limits)
    : sizes_(sizes), type_(type), limits_(limits) {
  int64_t rows = limits.feature_frames;
  for (Stage& stage : stages_) {
    rows = (rows + limits.windows) / 2 + 1;  // every window's frames round up
    stage.max_rows = rows;
    stage.windows = PlaceInTable(rows * kWindowInts, &table_size_);
    stage.centres = PlaceInTable(rows, &table_size_);
  }
  max_rows_ = rows;
  max_position_ = std::max<int64_t>(1, ScoreFrames(sizes, limits.window_feature_frames)) - 1;
  row_windows_ = PlaceInTable(rows * kWindowInts, &table_size_);
  attention_.emplace(limits.windows, rows, sizes.model_width, &table_size_);
}

StatusOr<std::unique_ptr<CudaNetwork>> FastConformerCtcCuda::Create(DeviceContext context,
                                                                    const Bundle& bundle,
                                                                    const std::vector<std::string>& heads,
                                                                    ElementType type,
                                                                    const CudaNetworkLimits& limits) {
  const auto& sizes = std::get<FastConformerCtcSizes>(bundle.manifest().sizes);
  if (sizes.model_width / sizes.attention_heads > kRelativeAttentionMaxWidth) {
    return Status::Unsupported("attention heads of " +
                               std::to_string(sizes.model_width / sizes.attention_heads) +
                               " columns on CUDA; at most " + std::to_string(kRelativeAttentionMaxWidth));
  }
  SKALD_ASSIGN_OR_RETURN(const WeightReader reader, WeightReader::Open(bundle));
  SKALD_ASSIGN_OR_RETURN(const FastConformerCtcWeights weights,
                         ReadFastConformerCtcWeights(reader, bundle.manifest(), heads));
  auto network = std::unique_ptr<FastConformerCtcCuda>(new FastConformerCtcCuda(sizes, type, limits));
  SKALD_ASSIGN_OR_RETURN(network->libraries_, MathLibraries::Create(context));
  network->math_ = network->libraries_.context();
  SKALD_RETURN_IF_ERROR(network->CreateBuffers());
  SKALD_RETURN_IF_ERROR(network->CreateSubsampling(context, weights));
  const std::vector<float> sinusoids =
      RelativeSinusoids(network->max_position_, 2 * network->max_position_ + 1, sizes.model_width);
  SKALD_ASSIGN_OR_RETURN(const DeviceBuffer<std::byte> device_sinusoids,
                         UploadWeights(context, sinusoids, ElementType::kF32, "sinusoids"));
  for (int index = 0; index < sizes.layers; ++index) {
    SKALD_ASSIGN_OR_RETURN(FastConformerLayerWeights layer_weights,
                           ReadFastConformerLayer(reader, sizes, index));
    SKALD_ASSIGN_OR_RETURN(Layer layer,
                           network->CreateLayer(context, std::move(layer_weights), device_sinusoids));
    network->layers_.push_back(std::move(layer));
  }
  SKALD_ASSIGN_OR_RETURN(CudaCtcHeads ctc_heads, CudaCtcHeads::Create(context, network->math_, weights.heads,
                                                                      sizes.model_width, network->max_rows_));
  network->heads_.emplace(std::move(ctc_heads));
  return std::unique_ptr<CudaNetwork>(std::move(network));
}

Status FastConformerCtcCuda::CreateSubsampling(DeviceContext context,
                                               const FastConformerCtcWeights& weights) {
  for (int i = 0; i < 3; ++i) {
    const AffineWeights& affine =
        i == 0 ? weights.first_convolution : weights.depthwise[static_cast<size_t>(i) - 1];
    SKALD_ASSIGN_OR_RETURN(stages_[i].weights,
                           UploadWeights(context, affine.weight, ElementType::kF32, "subsampling"));
    SKALD_ASSIGN_OR_RETURN(stages_[i].bias,
                           UploadWeights(context, affine.bias, ElementType::kF32, "subsampling"));
  }
  const int channels = sizes_.subsampling_channels;
  for (int i = 0; i < 2; ++i) {
    SKALD_ASSIGN_OR_RETURN(
        CudaLinear linear,
        MakeLinear(context, math_, weights.pointwise[static_cast<size_t>(i)], channels,
                   {.input_type = type_,
                    .output_type = type_,
                    .max_rows = stages_[i + 1].max_rows * (sizes_.feature_bins >> (i + 2))}));
    pointwise_.push_back(std::move(linear));
  }
  SKALD_ASSIGN_OR_RETURN(no_bias_,
                         UploadWeights(context, std::vector<float>(static_cast<size_t>(channels), 0.0f),
                                       ElementType::kF32, "zeros"));
  SKALD_ASSIGN_OR_RETURN(
      CudaLinear projection,
      MakeLinear(context, math_, weights.projection, channels * (sizes_.feature_bins / 8),
                 {.input_type = type_, .output_type = ElementType::kF32, .max_rows = max_rows_}));
  projection_.push_back(std::move(projection));
  return Status::Ok();
}

StatusOr<FastConformerCtcCuda::FeedForward> FastConformerCtcCuda::CreateFeedForward(
    DeviceContext context, const NormWeights& norm, const AffineWeights& in, const AffineWeights& out) {
  CudaLinear::Options bare{.input_type = type_,
                           .output_type = type_,
                           .use_bias = false,
                           .max_rows = max_rows_};  // the swish adds it
  CudaLinear::Options accumulate{
      .input_type = type_, .output_type = ElementType::kF32, .accumulate = true, .max_rows = max_rows_};
  SKALD_ASSIGN_OR_RETURN(DeviceNorm device_norm, UploadNorm(context, norm));
  SKALD_ASSIGN_OR_RETURN(CudaLinear first, MakeLinear(context, math_, in, sizes_.model_width, bare));
  SKALD_ASSIGN_OR_RETURN(CudaLinear second,
                         MakeLinear(context, math_, out, sizes_.feed_forward_width, accumulate));
  return FeedForward{std::move(device_norm), std::move(first), std::move(second)};
}

StatusOr<FastConformerCtcCuda::Layer> FastConformerCtcCuda::CreateLayer(
    DeviceContext context, FastConformerLayerWeights weights, const DeviceBuffer<std::byte>& sinusoids) {
  const int width = sizes_.model_width;
  CudaLinear::Options plain{.input_type = type_, .output_type = type_, .max_rows = max_rows_};
  CudaLinear::Options accumulate = plain, bare = plain;
  accumulate.output_type = ElementType::kF32;
  accumulate.accumulate = true;
  bare.use_bias = false;  // the gate adds it
  const auto upload = [&](const std::vector<float>& values, const char* purpose) {
    return UploadWeights(context, values, ElementType::kF32, purpose);
  };
  SKALD_ASSIGN_OR_RETURN(FeedForward feed_forward_1,
                         CreateFeedForward(context, weights.feed_forward_norm_1, weights.feed_forward_1_in,
                                           weights.feed_forward_1_out));
  SKALD_ASSIGN_OR_RETURN(FeedForward feed_forward_2,
                         CreateFeedForward(context, weights.feed_forward_norm_2, weights.feed_forward_2_in,
                                           weights.feed_forward_2_out));
  SKALD_ASSIGN_OR_RETURN(DeviceNorm attention_norm, UploadNorm(context, weights.attention_norm));
  SKALD_ASSIGN_OR_RETURN(DeviceNorm convolution_norm, UploadNorm(context, weights.convolution_norm));
  SKALD_ASSIGN_OR_RETURN(DeviceNorm output_norm, UploadNorm(context, weights.output_norm));
  SKALD_ASSIGN_OR_RETURN(CudaLinear query_key_value,
                         MakeLinear(context, math_, weights.query_key_value, width, plain));
  SKALD_ASSIGN_OR_RETURN(CudaLinear attention_output,
                         MakeLinear(context, math_, weights.attention_output, width, accumulate));
  SKALD_ASSIGN_OR_RETURN(CudaLinear pointwise_1,
                         MakeLinear(context, math_, weights.pointwise_1, width, bare));
  SKALD_ASSIGN_OR_RETURN(CudaLinear pointwise_2,
                         MakeLinear(context, math_, weights.pointwise_2, width, accumulate));
  SKALD_ASSIGN_OR_RETURN(DeviceBuffer<std::byte> content_bias,
                         upload(weights.content_bias, "attention bias"));
  SKALD_ASSIGN_OR_RETURN(DeviceBuffer<std::byte> position_bias,
                         upload(weights.position_bias, "attention bias"));
  SKALD_ASSIGN_OR_RETURN(DeviceBuffer<std::byte> depthwise_weights,
                         upload(weights.depthwise.weight, "depthwise"));
  SKALD_ASSIGN_OR_RETURN(DeviceBuffer<std::byte> depthwise_bias, upload(weights.depthwise.bias, "depthwise"));

  const int64_t positions = 2 * max_position_ + 1;
  SKALD_ASSIGN_OR_RETURN(const CudaLinear position,
                         MakeLinear(context, math_, weights.position, width, {.max_rows = positions}));
  SKALD_ASSIGN_OR_RETURN(
      const DeviceBuffer<float> keys,
      DeviceBuffer<float>::Create(static_cast<size_t>(positions * width), "relative positions in f32"));
  SKALD_ASSIGN_OR_RETURN(
      DeviceBuffer<std::byte> position_keys,
      DeviceBuffer<std::byte>::Create(static_cast<size_t>(positions * width) * ElementBytes(type_),
                                      "relative positions"));
  SKALD_RETURN_IF_ERROR(position.Run(context, math_, sinusoids.data(), positions, keys.data()));
  SKALD_RETURN_IF_ERROR(LaunchSpaceRows(context, {keys.data(), positions, width}, nullptr, positions, type_,
                                        position_keys.data()));
  SKALD_CUDA_RETURN_IF_ERROR(cudaStreamSynchronize(context.stream));  // the buffers above go
  return Layer{std::move(feed_forward_1),    std::move(feed_forward_2), std::move(attention_norm),
               std::move(convolution_norm),  std::move(output_norm),    std::move(query_key_value),
               std::move(attention_output),  std::move(pointwise_1),    std::move(pointwise_2),
               std::move(content_bias),      std::move(position_bias),  std::move(position_keys),
               std::move(depthwise_weights), std::move(depthwise_bias)};
}

Status FastConformerCtcCuda::CreateBuffers() {
  const auto bytes = [this](int64_t rows, int64_t columns, const char* purpose,
                            DeviceBuffer<std::byte>* buffer) -> Status {
    SKALD_ASSIGN_OR_RETURN(*buffer, DeviceBuffer<std::byte>::Create(
                                        static_cast<size_t>(rows * columns) * ElementBytes(type_), purpose));
    return Status::Ok();
  };
  const int64_t width = sizes_.model_width;
  const int64_t values = stages_[0].max_rows * (sizes_.feature_bins / 2) * sizes_.subsampling_channels;
  for (DeviceBuffer<std::byte>& buffer : subsampled_)
    SKALD_RETURN_IF_ERROR(bytes(values, 1, "subsampling", &buffer));
  SKALD_ASSIGN_OR_RETURN(
      x_, DeviceBuffer<float>::Create(static_cast<size_t>(max_rows_ * width), "residual stream"));
  SKALD_RETURN_IF_ERROR(bytes(max_rows_, width, "normalised rows", &norm_));
  SKALD_RETURN_IF_ERROR(bytes(max_rows_, 3 * width, "queries, keys and values", &joined_));
  SKALD_RETURN_IF_ERROR(bytes(max_rows_, width, "attention output", &attended_));
  SKALD_RETURN_IF_ERROR(bytes(max_rows_, sizes_.feed_forward_width, "feed-forward layer", &hidden_));
  SKALD_ASSIGN_OR_RETURN(StagedTable table, StagedTable::Create(table_size_));
  table_.emplace(std::move(table));
  return Status::Ok();
}

void FastConformerCtcCuda::Fill(std::span<const int64_t> window_feature_frames, std::span<int32_t> table) {
  std::fill(table.begin(), table.end(), 0);
  const auto put_window = [&table](int64_t place, int64_t row, int64_t first, int64_t end) {
    const RowWindow window{static_cast<int32_t>(first), static_cast<int32_t>(end)};
    std::memcpy(table.data() + place + row * kWindowInts, &window, sizeof window);
  };
  attention_->Begin(table);
  for (Stage& stage : stages_) stage.rows = 0;
  int64_t feature_row = 0;
  for (const int64_t feature_frames : window_feature_frames) {
    if (feature_frames == 0) continue;
    int64_t first = feature_row, frames = feature_frames;
    for (Stage& stage : stages_) {
      const int64_t rows = (frames + 1) / 2;
      for (int64_t row = 0; row < rows; ++row) {
        put_window(stage.windows, stage.rows + row, first, first + frames);
        table[static_cast<size_t>(stage.centres + stage.rows + row)] = static_cast<int32_t>(first + 2 * row);
      }
      first = stage.rows;
      frames = rows;
      stage.rows += rows;
    }
    for (int64_t row = first; row < first + frames; ++row)
      put_window(row_windows_, row, first, first + frames);
    attention_->Add(frames);
    feature_row += feature_frames;
  }
  attention_->End();
}

Status FastConformerCtcCuda::Subsample(DeviceContext context, FeatureView features) {
  const int64_t channels = sizes_.subsampling_channels;
  for (int i = 0; i < 3; ++i) {
    SubsamplingStage stage;
    stage.input = i == 0 ? static_cast<const void*>(features.data) : subsampled_[0].data();
    stage.from_features = i == 0;
    stage.feature_stride = features.stride;
    stage.bins = sizes_.feature_bins >> i;
    stage.channels = sizes_.subsampling_channels;
    stage.windows = reinterpret_cast<const RowWindow*>(table_->At(stages_[i].windows));
    stage.centres = table_->At(stages_[i].centres);
    stage.rows = stages_[i].rows;
    stage.weights = Floats(stages_[i].weights);
    stage.bias = Floats(stages_[i].bias);
    stage.type = type_;
    SKALD_RETURN_IF_ERROR(LaunchSubsampling(context, stage, subsampled_[i == 0 ? 0 : 1].data()));
    if (i == 0) continue;
    const int64_t rows = stages_[i].rows * (sizes_.feature_bins >> (i + 1));
    const CudaLinear& pointwise = pointwise_[static_cast<size_t>(i) - 1];
    SKALD_RETURN_IF_ERROR(pointwise.Run(context, math_, subsampled_[1].data(), rows, subsampled_[0].data()));
  }
  // The stages apply ReLU to what they read; the projection does not. The products added the bias.
  const int64_t rows = attention_->rows();
  SKALD_RETURN_IF_ERROR(LaunchBiasActivation(context, subsampled_[0].data(), rows * (sizes_.feature_bins / 8),
                                             channels, Floats(no_bias_), nullptr, RowActivation::kRelu,
                                             type_));
  return projection_[0].Run(context, math_, subsampled_[0].data(), rows, x_.data());
}

Status FastConformerCtcCuda::Normalise(DeviceContext context, const DeviceNorm& norm, ElementType type,
                                       void* output) {
  return LaunchLayerNorm(context, x_.data(), attention_->rows(), sizes_.model_width, norm.gain(), norm.bias(),
                         static_cast<float>(kFastConformerEpsilon), type, output);
}

Status FastConformerCtcCuda::RunFeedForward(DeviceContext context, const FeedForward& layer) {
  const int64_t rows = attention_->rows();
  SKALD_RETURN_IF_ERROR(Normalise(context, layer.norm, type_, norm_.data()));
  SKALD_RETURN_IF_ERROR(layer.in.Run(context, math_, norm_.data(), rows, hidden_.data()));
  SKALD_RETURN_IF_ERROR(LaunchBiasActivation(context, hidden_.data(), rows, sizes_.feed_forward_width,
                                             layer.in.bias(), nullptr, RowActivation::kSwish, type_));
  return layer.out.Run(context, math_, hidden_.data(), rows, x_.data());
}

Status FastConformerCtcCuda::RunLayer(DeviceContext context, const Layer& layer) {
  const int64_t rows = attention_->rows(), width = sizes_.model_width;
  SKALD_RETURN_IF_ERROR(RunFeedForward(context, layer.feed_forward_1));
  SKALD_RETURN_IF_ERROR(Normalise(context, layer.attention_norm, type_, norm_.data()));
  SKALD_RETURN_IF_ERROR(layer.query_key_value.Run(context, math_, norm_.data(), rows, joined_.data()));
  RelativeAttention attention;
  attention.query_key_value = joined_.data();
  attention.heads = sizes_.attention_heads;
  attention.head_width = sizes_.model_width / sizes_.attention_heads;
  attention.content_bias = Floats(layer.content_bias);
  attention.position_bias = Floats(layer.position_bias);
  attention.position_keys = layer.position_keys.data();
  attention.max_position = max_position_;
  attention.type = type_;
  const auto* blocks = reinterpret_cast<const RaggedAttentionBlock*>(table_->At(attention_->blocks));
  SKALD_RETURN_IF_ERROR(
      LaunchRelativeAttention(context, attention, blocks, attention_->block_count(), attended_.data()));
  SKALD_RETURN_IF_ERROR(layer.attention_output.Run(context, math_, attended_.data(), rows, x_.data()));

  SKALD_RETURN_IF_ERROR(Normalise(context, layer.convolution_norm, type_, norm_.data()));
  SKALD_RETURN_IF_ERROR(layer.pointwise_1.Run(context, math_, norm_.data(), rows, joined_.data()));
  SKALD_RETURN_IF_ERROR(
      LaunchGated(context, joined_.data(), rows, width, layer.pointwise_1.bias(), type_, attended_.data()));
  const auto* row_windows = reinterpret_cast<const RowWindow*>(table_->At(row_windows_));
  SKALD_RETURN_IF_ERROR(LaunchDepthwiseSwish(context, attended_.data(), row_windows, rows, width,
                                             sizes_.convolution_kernel, Floats(layer.depthwise_weights),
                                             Floats(layer.depthwise_bias), type_, norm_.data()));
  SKALD_RETURN_IF_ERROR(layer.pointwise_2.Run(context, math_, norm_.data(), rows, x_.data()));

  SKALD_RETURN_IF_ERROR(RunFeedForward(context, layer.feed_forward_2));
  return Normalise(context, layer.output_norm, ElementType::kF32, x_.data());
}

Status FastConformerCtcCuda::Run(DeviceContext context, FeatureView features,
                                 std::span<const int64_t> window_feature_frames,
                                 std::span<const MatrixView<float>> nll_per_head) {
  SKALD_CUDA_RETURN_IF_ERROR(cudaSetDevice(context.device));
  SKALD_ASSIGN_OR_RETURN(const std::span<int32_t> table, table_->Begin());
  Fill(window_feature_frames, table);
  SKALD_RETURN_IF_ERROR(table_->Upload(context));
  if (attention_->rows() == 0) return Status::Ok();
  SKALD_RETURN_IF_ERROR(Subsample(context, features));
  for (const Layer& layer : layers_) SKALD_RETURN_IF_ERROR(RunLayer(context, layer));
  return heads_->Run(context, math_, x_.data(), attention_->rows(), nullptr, 0, nll_per_head);
}

}  // namespace skald
