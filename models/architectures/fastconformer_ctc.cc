#include "models/architectures/fastconformer_ctc.h"

#include <cmath>
#include <utility>

namespace skald {
namespace {

constexpr int64_t kTaps = 9;

/// PREFIX.weight [channels, 1, taps] becomes [taps, channels].
Status ReadDepthwise(const WeightReader& reader, const std::string& prefix, int64_t channels, int64_t taps,
                     AffineWeights* weights) {
  std::vector<float> stored;
  SKALD_RETURN_IF_ERROR(reader.Read(prefix + ".weight", {channels, 1, taps}, &stored));
  weights->weight.resize(stored.size());
  for (int64_t channel = 0; channel < channels; ++channel) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      weights->weight[static_cast<size_t>(tap * channels + channel)] =
          stored[static_cast<size_t>(channel * taps + tap)];
    }
  }
  return reader.Read(prefix + ".bias", {channels}, &weights->bias);
}

Status ReadHalved(const WeightReader& reader, const std::string& prefix, int64_t outputs, int64_t inputs,
                  bool has_bias, AffineWeights* weights) {
  SKALD_RETURN_IF_ERROR(reader.ReadLinear(prefix, outputs, inputs, has_bias, weights));
  for (float& x : weights->weight) x *= 0.5f;
  for (float& x : weights->bias) x *= 0.5f;
  return Status::Ok();
}

Status ReadAttention(const WeightReader& reader, const std::string& prefix,
                     const FastConformerCtcSizes& sizes, FastConformerLayerWeights* layer) {
  const int64_t width = sizes.model_width;
  AffineWeights query, key, value;
  SKALD_RETURN_IF_ERROR(reader.ReadLinear(prefix + "q_proj", width, width, sizes.linear_bias, &query));
  SKALD_RETURN_IF_ERROR(reader.ReadLinear(prefix + "k_proj", width, width, sizes.linear_bias, &key));
  SKALD_RETURN_IF_ERROR(reader.ReadLinear(prefix + "v_proj", width, width, sizes.linear_bias, &value));
  const float scale = 1.0f / std::sqrt(static_cast<float>(sizes.model_width / sizes.attention_heads));
  layer->query_key_value = JoinQueryKeyValue(std::move(query), key, value, scale);
  SKALD_RETURN_IF_ERROR(
      reader.ReadLinear(prefix + "o_proj", width, width, sizes.linear_bias, &layer->attention_output));
  SKALD_RETURN_IF_ERROR(reader.ReadLinear(prefix + "relative_k_proj", width, width, false, &layer->position));
  SKALD_RETURN_IF_ERROR(reader.Read(prefix + "bias_u", {width}, &layer->content_bias));
  SKALD_RETURN_IF_ERROR(reader.Read(prefix + "bias_v", {width}, &layer->position_bias));
  for (float& x : layer->content_bias) x *= scale;
  for (float& x : layer->position_bias) x *= scale;
  return Status::Ok();
}

}  // namespace

StatusOr<FastConformerCtcWeights> ReadFastConformerCtcWeights(const WeightReader& reader,
                                                              const BundleManifest& manifest,
                                                              const std::vector<std::string>& heads) {
  const auto& sizes = std::get<FastConformerCtcSizes>(manifest.sizes);
  const int64_t channels = sizes.subsampling_channels, width = sizes.model_width,
                bins = sizes.feature_bins / 8;
  const std::string prefix = "encoder.subsampling.";
  FastConformerCtcWeights weights;
  SKALD_RETURN_IF_ERROR(
      ReadDepthwise(reader, prefix + "layers.0", channels, kTaps, &weights.first_convolution));
  for (const char* name : {"layers.2", "layers.5"}) {
    weights.depthwise.emplace_back();
    SKALD_RETURN_IF_ERROR(ReadDepthwise(reader, prefix + name, channels, kTaps, &weights.depthwise.back()));
  }
  for (const char* name : {"layers.3", "layers.6"}) {
    weights.pointwise.emplace_back();
    SKALD_RETURN_IF_ERROR(
        reader.ReadLinear(prefix + name, channels, channels, true, &weights.pointwise.back()));
  }
  // The file has the bins of one channel side by side, activations here the channels of one bin.
  SKALD_RETURN_IF_ERROR(
      reader.ReadConvolution(prefix + "linear", width, channels, bins, true, &weights.projection));
  if (sizes.scale_input) {
    const float scale = std::sqrt(static_cast<float>(width));
    for (float& x : weights.projection.weight) x *= scale;
    for (float& x : weights.projection.bias) x *= scale;
  }
  SKALD_ASSIGN_OR_RETURN(weights.heads, ReadCtcHeads(reader, manifest, heads, width));
  return weights;
}

StatusOr<FastConformerLayerWeights> ReadFastConformerLayer(const WeightReader& reader,
                                                           const FastConformerCtcSizes& sizes, int index) {
  const std::string prefix = "encoder.layers." + std::to_string(index) + ".";
  const int64_t width = sizes.model_width, wide = sizes.feed_forward_width;
  FastConformerLayerWeights layer;
  const std::pair<const char*, NormWeights*> norms[] = {{"norm_feed_forward1", &layer.feed_forward_norm_1},
                                                        {"norm_self_att", &layer.attention_norm},
                                                        {"norm_conv", &layer.convolution_norm},
                                                        {"norm_feed_forward2", &layer.feed_forward_norm_2},
                                                        {"norm_out", &layer.output_norm}};
  for (const auto& [name, norm] : norms) SKALD_RETURN_IF_ERROR(reader.ReadNorm(prefix + name, width, norm));
  const bool bias = sizes.linear_bias;
  SKALD_RETURN_IF_ERROR(
      reader.ReadLinear(prefix + "feed_forward1.linear1", wide, width, bias, &layer.feed_forward_1_in));
  SKALD_RETURN_IF_ERROR(
      ReadHalved(reader, prefix + "feed_forward1.linear2", width, wide, bias, &layer.feed_forward_1_out));
  SKALD_RETURN_IF_ERROR(ReadAttention(reader, prefix + "self_attn.", sizes, &layer));
  SKALD_RETURN_IF_ERROR(reader.ReadLinear(prefix + "conv.pointwise_conv1", 2 * width, width,
                                          sizes.convolution_bias, &layer.pointwise_1));
  SKALD_RETURN_IF_ERROR(ReadDepthwise(reader, prefix + "conv.depthwise_conv", width, sizes.convolution_kernel,
                                      &layer.depthwise));
  SKALD_RETURN_IF_ERROR(reader.ReadLinear(prefix + "conv.pointwise_conv2", width, width,
                                          sizes.convolution_bias, &layer.pointwise_2));
  SKALD_RETURN_IF_ERROR(
      reader.ReadLinear(prefix + "feed_forward2.linear1", wide, width, bias, &layer.feed_forward_2_in));
  SKALD_RETURN_IF_ERROR(
      ReadHalved(reader, prefix + "feed_forward2.linear2", width, wide, bias, &layer.feed_forward_2_out));
  return layer;
}

std::vector<float> RelativeSinusoids(int64_t first, int64_t count, int64_t width) {
  std::vector<float> table(static_cast<size_t>(count * width));
  for (int64_t i = 0; i < width; i += 2) {
    const double rate = std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(width));
    for (int64_t row = 0; row < count; ++row) {
      const double angle = static_cast<double>(first - row) * rate;
      table[static_cast<size_t>(row * width + i)] = static_cast<float>(std::sin(angle));
      if (i + 1 < width)
        table[static_cast<size_t>(row * width + i + 1)] = static_cast<float>(std::cos(angle));
    }
  }
  return table;
}

}  // namespace skald
