#include "models/architectures/wav2vec2_ctc.h"

#include <cmath>

namespace skald {

StatusOr<Wav2Vec2CtcWeights> ReadWav2Vec2CtcWeights(const WeightReader& reader,
                                                    const BundleManifest& manifest,
                                                    const std::vector<std::string>& heads) {
  const auto& sizes = std::get<Wav2Vec2CtcSizes>(manifest.sizes);
  const int64_t width = sizes.model_width;
  Wav2Vec2CtcWeights weights;
  int64_t inputs = 1;
  for (size_t i = 0; i < sizes.convolutions.size(); ++i) {
    const Wav2Vec2CtcSizes::Convolution& shape = sizes.convolutions[i];
    const std::string prefix = "feature_extractor.conv_layers." + std::to_string(i);
    Wav2Vec2CtcWeights::Convolution convolution;
    SKALD_RETURN_IF_ERROR(reader.ReadConvolution(prefix + ".conv", shape.channels, inputs, shape.kernel,
                                                 sizes.convolution_bias, &convolution.affine));
    if (!sizes.group_norm || i == 0) {
      SKALD_RETURN_IF_ERROR(reader.ReadNorm(prefix + ".layer_norm", shape.channels, &convolution.norm));
    }
    weights.convolutions.push_back(std::move(convolution));
    inputs = shape.channels;
  }
  if (sizes.projection_norm) {
    SKALD_RETURN_IF_ERROR(reader.ReadNorm("feature_projection.layer_norm", inputs, &weights.projection_norm));
  }
  SKALD_RETURN_IF_ERROR(
      reader.ReadLinear("feature_projection.projection", width, inputs, true, &weights.projection));
  SKALD_RETURN_IF_ERROR(reader.ReadConvolution("encoder.pos_conv_embed.conv", width,
                                               width / sizes.position_groups, sizes.position_kernel, true,
                                               &weights.position_convolution));
  SKALD_RETURN_IF_ERROR(reader.ReadNorm("encoder.layer_norm", width, &weights.encoder_norm));
  SKALD_ASSIGN_OR_RETURN(weights.heads, ReadCtcHeads(reader, manifest, heads, width));
  return weights;
}

StatusOr<TransformerLayerWeights> ReadWav2Vec2CtcLayer(const WeightReader& reader,
                                                       const Wav2Vec2CtcSizes& sizes, int index) {
  const std::string prefix = "encoder.layers." + std::to_string(index);
  const int64_t width = sizes.model_width;
  TransformerLayerWeights layer;
  AffineWeights query, key, value;
  SKALD_RETURN_IF_ERROR(reader.ReadLinear(prefix + ".attention.q_proj", width, width, true, &query));
  SKALD_RETURN_IF_ERROR(reader.ReadLinear(prefix + ".attention.k_proj", width, width, true, &key));
  SKALD_RETURN_IF_ERROR(reader.ReadLinear(prefix + ".attention.v_proj", width, width, true, &value));
  const auto head_width = static_cast<float>(sizes.model_width / sizes.attention_heads);
  layer.query_key_value = JoinQueryKeyValue(std::move(query), key, value, 1.0f / std::sqrt(head_width));
  SKALD_RETURN_IF_ERROR(
      reader.ReadLinear(prefix + ".attention.out_proj", width, width, true, &layer.attention_output));
  SKALD_RETURN_IF_ERROR(reader.ReadNorm(prefix + ".layer_norm", width, &layer.attention_norm));
  SKALD_RETURN_IF_ERROR(reader.ReadLinear(prefix + ".feed_forward.intermediate_dense",
                                          sizes.feed_forward_width, width, true, &layer.feed_forward_1));
  SKALD_RETURN_IF_ERROR(reader.ReadLinear(prefix + ".feed_forward.output_dense", width,
                                          sizes.feed_forward_width, true, &layer.feed_forward_2));
  SKALD_RETURN_IF_ERROR(reader.ReadNorm(prefix + ".final_layer_norm", width, &layer.feed_forward_norm));
  return layer;
}

FoldedConvolution FoldGroupNorm(const Wav2Vec2CtcWeights::Convolution& first,
                                const Wav2Vec2CtcSizes::Convolution& shape, bool group_norm,
                                std::span<const float> samples) {
  const auto taps = static_cast<size_t>(shape.kernel), channels = static_cast<size_t>(shape.channels);
  FoldedConvolution folded;
  folded.weight.resize(taps * channels);
  folded.bias = first.affine.bias;
  folded.bias.resize(channels, 0.0f);
  std::vector<double> mean(taps, 0.0), moment(taps * taps, 0.0);
  if (group_norm) {
    const size_t frames = (samples.size() - taps) / static_cast<size_t>(shape.stride) + 1;
    for (size_t t = 0; t < frames; ++t) {
      const float* x = samples.data() + t * static_cast<size_t>(shape.stride);
      for (size_t k = 0; k < taps; ++k) {
        mean[k] += x[k];
        for (size_t l = 0; l <= k; ++l) moment[k * taps + l] += static_cast<double>(x[k]) * x[l];
      }
    }
    for (double& value : mean) value /= static_cast<double>(frames);
    for (double& value : moment) value /= static_cast<double>(frames);
  }
  for (size_t channel = 0; channel < channels; ++channel) {
    const float* w = first.affine.weight.data() + channel * taps;
    double scale = 1.0;
    if (group_norm) {
      double average = 0, variance = 0;
      for (size_t k = 0; k < taps; ++k) {
        average += w[k] * mean[k];
        for (size_t l = 0; l <= k; ++l) {
          const double covariance = moment[k * taps + l] - mean[k] * mean[l];
          variance += (k == l ? 1.0 : 2.0) * w[k] * w[l] * covariance;
        }
      }
      scale = first.norm.gain[channel] / std::sqrt(std::max(variance, 0.0) + kWav2Vec2ConvolutionEpsilon);
      folded.bias[channel] =
          static_cast<float>(first.norm.bias[channel] - scale * average);  // its own bias cancels
    }
    for (size_t k = 0; k < taps; ++k)
      folded.weight[k * channels + channel] = static_cast<float>(w[k] * scale);
  }
  return folded;
}

}  // namespace skald
