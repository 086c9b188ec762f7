#include <cmath>

#include "models/importers/network_importers.h"

namespace skald {
namespace {

/// Longest window: 40 s, as long as the longest utterances these models were trained on.
constexpr int kMaxFrames = 500;
/// Of batch normalisation, as PyTorch has it.
constexpr double kBatchNormEpsilon = 1e-5;

Status ReadFeatures(const Checkpoint& checkpoint, int bins, FeatureDescription* features) {
  SKALD_ASSIGN_OR_RETURN(const nlohmann::json settings_json, ReadFeatureSettings(checkpoint));
  SKALD_ASSIGN_OR_RETURN(const JsonObject settings, JsonObject::Of(settings_json, "feature_extractor"));
  const ConfigReader reader(settings);
  SKALD_RETURN_IF_ERROR(reader.RequireInteger("sampling_rate", 16000, 16000));
  SKALD_RETURN_IF_ERROR(reader.RequireInteger("feature_size", 80, bins));
  SKALD_RETURN_IF_ERROR(reader.RequireInteger("hop_length", 160, 160));
  SKALD_RETURN_IF_ERROR(reader.RequireInteger("n_fft", 512, 512));
  SKALD_RETURN_IF_ERROR(reader.RequireInteger("win_length", 400, 400));
  SKALD_ASSIGN_OR_RETURN(const double preemphasis, settings.NumberOr("preemphasis", 0, 1, 0.97));
  if (std::abs(preemphasis - 0.97) > 1e-9) {
    return Status::Unsupported("\"feature_extractor.preemphasis\" is " + std::to_string(preemphasis) +
                               "; Skald runs 0.97");
  }
  features->type = "nemo-log-mel";
  features->bins = bins;
  features->sample_rate_hz = 16000;
  features->frame_length_samples = 400;
  features->frame_shift_samples = 160;
  return Status::Ok();
}

/// The depthwise convolution with the batch normalisation after it folded in: y = gain (x - mean) /
/// sqrt(variance + eps) + bias is linear in x.
Status FoldBatchNorm(const std::string& from, int64_t width, int64_t kernel, bool has_bias,
                     const std::string& to, TensorCopier* tensors) {
  SKALD_ASSIGN_OR_RETURN(std::vector<float> weight,
                         tensors->Read(from + "depthwise_conv.weight", {width, 1, kernel}));
  std::vector<float> bias(static_cast<size_t>(width), 0.0f);
  if (has_bias) {
    SKALD_ASSIGN_OR_RETURN(bias, tensors->Read(from + "depthwise_conv.bias", {width}));
  }
  SKALD_ASSIGN_OR_RETURN(const std::vector<float> gain, tensors->Read(from + "norm.weight", {width}));
  SKALD_ASSIGN_OR_RETURN(const std::vector<float> offset, tensors->Read(from + "norm.bias", {width}));
  SKALD_ASSIGN_OR_RETURN(const std::vector<float> mean, tensors->Read(from + "norm.running_mean", {width}));
  SKALD_ASSIGN_OR_RETURN(const std::vector<float> variance,
                         tensors->Read(from + "norm.running_var", {width}));
  for (size_t channel = 0; channel < bias.size(); ++channel) {
    if (variance[channel] < 0) {
      return Status::Corrupt("has a negative variance").At("tensor " + from + "norm.running_var");
    }
    const double scale = gain[channel] / std::sqrt(variance[channel] + kBatchNormEpsilon);
    for (int64_t tap = 0; tap < kernel; ++tap) {
      float& value = weight[channel * static_cast<size_t>(kernel) + static_cast<size_t>(tap)];
      value = static_cast<float>(value * scale);
    }
    bias[channel] = static_cast<float>((bias[channel] - mean[channel]) * scale + offset[channel]);
  }
  tensors->Add(to + "depthwise_conv.weight", {width, 1, kernel}, std::move(weight));
  tensors->Add(to + "depthwise_conv.bias", {width}, std::move(bias));
  return Status::Ok();
}

Status CopySubsampling(const FastConformerCtcSizes& sizes, TensorCopier* tensors) {
  const int64_t channels = sizes.subsampling_channels;
  const std::string prefix = "encoder.subsampling.";
  for (const char* depthwise : {"layers.0", "layers.2", "layers.5"}) {
    SKALD_RETURN_IF_ERROR(tensors->CopyAffine(prefix + depthwise, {channels, 1, 3, 3}, true,
                                              prefix + depthwise, {channels, 1, 9}));
  }
  for (const char* pointwise : {"layers.3", "layers.6"}) {
    SKALD_RETURN_IF_ERROR(tensors->CopyAffine(prefix + pointwise, {channels, channels, 1, 1}, true,
                                              prefix + pointwise, {channels, channels}));
  }
  const int64_t bins = sizes.feature_bins / 8;
  return tensors->CopyAffine(prefix + "linear", {sizes.model_width, channels * bins}, true, prefix + "linear",
                             {sizes.model_width, channels, bins});
}

Status CopyLayer(const FastConformerCtcSizes& sizes, int index, TensorCopier* tensors) {
  const int64_t width = sizes.model_width, wide = sizes.feed_forward_width, heads = sizes.attention_heads;
  const std::string layer = "encoder.layers." + std::to_string(index) + ".";
  for (const char* norm :
       {"norm_feed_forward1", "norm_self_att", "norm_conv", "norm_feed_forward2", "norm_out"}) {
    SKALD_RETURN_IF_ERROR(tensors->CopyNorm(layer + norm, width, layer + norm));
  }
  for (const char* part : {"feed_forward1.", "feed_forward2."}) {
    const std::string name = layer + part;
    SKALD_RETURN_IF_ERROR(
        tensors->CopyAffine(name + "linear1", {wide, width}, sizes.linear_bias, name + "linear1"));
    SKALD_RETURN_IF_ERROR(
        tensors->CopyAffine(name + "linear2", {width, wide}, sizes.linear_bias, name + "linear2"));
  }
  const std::string attention = layer + "self_attn.";
  for (const char* part : {"q_proj", "k_proj", "v_proj", "o_proj"}) {
    SKALD_RETURN_IF_ERROR(
        tensors->CopyAffine(attention + part, {width, width}, sizes.linear_bias, attention + part));
  }
  SKALD_RETURN_IF_ERROR(tensors->CopyAffine(attention + "relative_k_proj", {width, width}, false,
                                            attention + "relative_k_proj"));
  for (const char* bias : {"bias_u", "bias_v"}) {
    SKALD_RETURN_IF_ERROR(tensors->Copy(attention + bias, {heads, width / heads}, attention + bias, {width}));
  }
  const std::string convolution = layer + "conv.";
  SKALD_RETURN_IF_ERROR(tensors->CopyAffine(convolution + "pointwise_conv1", {2 * width, width, 1},
                                            sizes.convolution_bias, convolution + "pointwise_conv1",
                                            {2 * width, width}));
  SKALD_RETURN_IF_ERROR(tensors->CopyAffine(convolution + "pointwise_conv2", {width, width, 1},
                                            sizes.convolution_bias, convolution + "pointwise_conv2",
                                            {width, width}));
  return FoldBatchNorm(convolution, width, sizes.convolution_kernel, sizes.convolution_bias, convolution,
                       tensors);
}

}  // namespace

StatusOr<ImportedNetwork> ReadParakeetConfig(const Checkpoint& checkpoint) {
  SKALD_ASSIGN_OR_RETURN(const JsonObject config, JsonObject::Of(checkpoint.config(), ""));
  SKALD_ASSIGN_OR_RETURN(const JsonObject encoder, config.Object("encoder_config"));
  const ConfigReader reader(encoder);
  ImportedNetwork network;
  FastConformerCtcSizes sizes;
  SKALD_RETURN_IF_ERROR(reader.RequireText("hidden_act", "silu", "silu"));
  SKALD_RETURN_IF_ERROR(reader.RequireInteger("subsampling_factor", 8, 8));
  SKALD_RETURN_IF_ERROR(reader.RequireInteger("subsampling_conv_kernel_size", 3, 3));
  SKALD_RETURN_IF_ERROR(reader.RequireInteger("subsampling_conv_stride", 2, 2));
  SKALD_RETURN_IF_ERROR(reader.Read("num_mel_bins", 8, 128, 80, &sizes.feature_bins));
  SKALD_RETURN_IF_ERROR(reader.Read("subsampling_conv_channels", 16, 4096, 256, &sizes.subsampling_channels));
  SKALD_RETURN_IF_ERROR(reader.Read("hidden_size", 16, 8192, 1024, &sizes.model_width));
  SKALD_RETURN_IF_ERROR(reader.Read("num_attention_heads", 1, 128, 8, &sizes.attention_heads));
  SKALD_RETURN_IF_ERROR(
      reader.RequireInteger("num_key_value_heads", sizes.attention_heads, sizes.attention_heads));
  SKALD_RETURN_IF_ERROR(reader.Read("intermediate_size", 16, 65536, 4096, &sizes.feed_forward_width));
  SKALD_RETURN_IF_ERROR(reader.Read("num_hidden_layers", 1, 128, 24, &sizes.layers));
  SKALD_RETURN_IF_ERROR(reader.Read("conv_kernel_size", 1, 255, 9, &sizes.convolution_kernel));
  SKALD_ASSIGN_OR_RETURN(sizes.scale_input, encoder.FlagOr("scale_input", true));
  SKALD_ASSIGN_OR_RETURN(sizes.linear_bias, encoder.FlagOr("attention_bias", true));
  SKALD_ASSIGN_OR_RETURN(sizes.convolution_bias, encoder.FlagOr("convolution_bias", true));
  sizes.max_frames = kMaxFrames;
  SKALD_RETURN_IF_ERROR(ConfigReader(config).Read("vocab_size", 2, 65536, 1025, &network.outputs));
  SKALD_RETURN_IF_ERROR(ConfigReader(config).Read("pad_token_id", 0, 65535, 1024, &network.blank));
  SKALD_RETURN_IF_ERROR(ReadFeatures(checkpoint, sizes.feature_bins, &network.features));
  network.sizes = sizes;
  return network;
}

Status CopyParakeetTensors(const Checkpoint&, const ImportedNetwork& network,
                           const std::vector<int>& unit_order, TensorCopier* tensors) {
  const auto& sizes = std::get<FastConformerCtcSizes>(network.sizes);
  SKALD_RETURN_IF_ERROR(CopySubsampling(sizes, tensors));
  for (int layer = 0; layer < sizes.layers; ++layer) SKALD_RETURN_IF_ERROR(CopyLayer(sizes, layer, tensors));
  return tensors->CopyHead("ctc_head", sizes.model_width, unit_order, std::string("ctc.") + kImportedHead);
}

}  // namespace skald
