#include "models/architectures/whisper_encoder_ctc.h"

#include <cmath>

namespace skald {
namespace {

constexpr int64_t kTaps = 3;

Status ReadLayer(const WeightReader& reader, const std::string& prefix, const WhisperEncoderCtcSizes& sizes,
                 TransformerLayerWeights* layer) {
  const int64_t width = sizes.model_width;
  SKALD_RETURN_IF_ERROR(reader.ReadNorm(prefix + ".self_attn_layer_norm", width, &layer->attention_norm));
  AffineWeights query, key, value;
  SKALD_RETURN_IF_ERROR(reader.ReadLinear(prefix + ".self_attn.q_proj", width, width, true, &query));
  SKALD_RETURN_IF_ERROR(reader.ReadLinear(prefix + ".self_attn.k_proj", width, width, false, &key));
  SKALD_RETURN_IF_ERROR(reader.ReadLinear(prefix + ".self_attn.v_proj", width, width, true, &value));
  layer->query_key_value = JoinQueryKeyValue(std::move(query), key, value, 0.125f);
  SKALD_RETURN_IF_ERROR(
      reader.ReadLinear(prefix + ".self_attn.out_proj", width, width, true, &layer->attention_output));
  SKALD_RETURN_IF_ERROR(reader.ReadNorm(prefix + ".final_layer_norm", width, &layer->feed_forward_norm));
  SKALD_RETURN_IF_ERROR(
      reader.ReadLinear(prefix + ".fc1", sizes.feed_forward_width, width, true, &layer->feed_forward_1));
  return reader.ReadLinear(prefix + ".fc2", width, sizes.feed_forward_width, true, &layer->feed_forward_2);
}

}  // namespace

std::vector<float> SinusoidalPositions(int64_t positions, int64_t width) {
  const int64_t half = width / 2;
  std::vector<float> table(static_cast<size_t>(positions * width));
  for (int64_t i = 0; i < half; ++i) {
    const double rate = std::exp(-std::log(10000.0) / static_cast<double>(half - 1) * static_cast<double>(i));
    for (int64_t t = 0; t < positions; ++t) {
      table[static_cast<size_t>(t * width + i)] = static_cast<float>(std::sin(static_cast<double>(t) * rate));
      table[static_cast<size_t>(t * width + half + i)] =
          static_cast<float>(std::cos(static_cast<double>(t) * rate));
    }
  }
  return table;
}

StatusOr<WhisperEncoderCtcWeights> ReadWhisperEncoderCtcWeights(const Bundle& bundle,
                                                                const std::vector<std::string>& heads) {
  const BundleManifest& manifest = bundle.manifest();
  const auto& sizes = std::get<WhisperEncoderCtcSizes>(manifest.sizes);
  SKALD_ASSIGN_OR_RETURN(const WeightReader reader, WeightReader::Open(bundle));
  WhisperEncoderCtcWeights weights;
  SKALD_RETURN_IF_ERROR(reader.ReadConvolution("encoder.conv1", sizes.model_width, sizes.feature_bins, kTaps,
                                               true, &weights.convolution_1));
  SKALD_RETURN_IF_ERROR(reader.ReadConvolution("encoder.conv2", sizes.model_width, sizes.model_width, kTaps,
                                               true, &weights.convolution_2));
  for (int layer = 0; layer < sizes.layers; ++layer) {
    weights.layers.emplace_back();
    SKALD_RETURN_IF_ERROR(
        ReadLayer(reader, "encoder.layers." + std::to_string(layer), sizes, &weights.layers.back()));
  }
  SKALD_RETURN_IF_ERROR(reader.ReadNorm("encoder.layer_norm", sizes.model_width, &weights.final_norm));
  SKALD_ASSIGN_OR_RETURN(weights.heads, ReadCtcHeads(reader, manifest, heads, sizes.model_width));
  weights.positions = SinusoidalPositions(sizes.max_positions, sizes.model_width);
  return weights;
}

}  // namespace skald
