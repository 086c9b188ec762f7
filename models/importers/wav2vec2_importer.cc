#include <cmath>

#include "models/importers/network_importers.h"

namespace skald {
namespace {

/// Longest window: 40 s, above what these models were trained on.
constexpr int kMaxFrames = 2000;
constexpr int64_t kRateHz = 16000;

/// A list of `key` with as many integers as the others; the default of transformers where it is missing.
StatusOr<std::vector<int>> ReadList(const JsonObject& config, const char* key, std::vector<int> absent) {
  if (!config.Has(key)) return absent;
  const nlohmann::json& list = config.json().at(key);
  if (!list.is_array() || list.empty() || list.size() > 16) {
    return Status::Corrupt("\"" + config.PathOf(key) + "\" is not a list of 1 to 16 integers");
  }
  std::vector<int> values;
  for (const nlohmann::json& item : list) {
    if (!item.is_number_integer() || item.get<int64_t>() < 1 || item.get<int64_t>() > 65536) {
      return Status::Corrupt("\"" + config.PathOf(key) + "\": " + item.dump() +
                             " is not an integer from 1 to 65536");
    }
    values.push_back(item.get<int>());
  }
  return values;
}

Status ReadConvolutions(const JsonObject& config, Wav2Vec2CtcSizes* sizes) {
  SKALD_ASSIGN_OR_RETURN(const std::vector<int> channels,
                         ReadList(config, "conv_dim", std::vector<int>(7, 512)));
  SKALD_ASSIGN_OR_RETURN(const std::vector<int> kernels,
                         ReadList(config, "conv_kernel", {10, 3, 3, 3, 3, 2, 2}));
  SKALD_ASSIGN_OR_RETURN(const std::vector<int> strides,
                         ReadList(config, "conv_stride", {5, 2, 2, 2, 2, 2, 2}));
  if (kernels.size() != channels.size() || strides.size() != channels.size()) {
    return Status::Corrupt("\"conv_dim\", \"conv_kernel\" and \"conv_stride\" differ in length");
  }
  for (size_t i = 0; i < channels.size(); ++i)
    sizes->convolutions.push_back({channels[i], kernels[i], strides[i]});
  SKALD_ASSIGN_OR_RETURN(sizes->convolution_bias, config.FlagOr("conv_bias", false));
  SKALD_ASSIGN_OR_RETURN(const std::string norm, config.StringOr("feat_extract_norm", "group"));
  if (norm != "group" && norm != "layer") {
    return Status::Unsupported("\"feat_extract_norm\" is \"" + norm +
                               "\"; Skald runs \"group\" and \"layer\"");
  }
  sizes->group_norm = norm == "group";
  return Status::Ok();
}

Status RefuseOptions(const JsonObject& config) {
  const ConfigReader reader(config);
  SKALD_RETURN_IF_ERROR(reader.RequireText("feat_extract_activation", "gelu", "gelu"));
  SKALD_RETURN_IF_ERROR(reader.RequireText("hidden_act", "gelu", "gelu"));
  SKALD_RETURN_IF_ERROR(reader.RequireFlag("add_adapter", false, false));
  SKALD_RETURN_IF_ERROR(reader.RequireFlag("conv_pos_batch_norm", false, false));
  if (config.Has("adapter_attn_dim") && !config.json().at("adapter_attn_dim").is_null()) {
    return Status::Unsupported("\"adapter_attn_dim\" is " + config.json().at("adapter_attn_dim").dump() +
                               "; Skald runs models without attention adapters (null)");
  }
  return Status::Ok();
}

/// A convolution's weight [outputs, inputs, taps] that is stored as direction and length of each tap (weight
/// norm over dimension 2), under its names of either age, or as it is.
StatusOr<std::vector<float>> ReadWeightNormed(const TensorCopier& tensors, const Checkpoint& checkpoint,
                                              const std::string& prefix, int64_t outputs, int64_t inputs,
                                              int64_t taps) {
  std::string length = prefix + ".parametrizations.weight.original0";
  std::string direction = prefix + ".parametrizations.weight.original1";
  if (checkpoint.Has(prefix + ".weight")) return tensors.Read(prefix + ".weight", {outputs, inputs, taps});
  if (checkpoint.Has(prefix + ".weight_g")) {
    length = prefix + ".weight_g";
    direction = prefix + ".weight_v";
  }
  SKALD_ASSIGN_OR_RETURN(const std::vector<float> lengths, tensors.Read(length, {1, 1, taps}));
  SKALD_ASSIGN_OR_RETURN(std::vector<float> weight, tensors.Read(direction, {outputs, inputs, taps}));
  std::vector<double> squares(static_cast<size_t>(taps), 0.0);
  for (size_t i = 0; i < weight.size(); ++i) {
    squares[i % static_cast<size_t>(taps)] += static_cast<double>(weight[i]) * weight[i];
  }
  for (size_t i = 0; i < weight.size(); ++i) {
    const size_t tap = i % static_cast<size_t>(taps);
    const double norm = std::sqrt(squares[tap]);
    weight[i] = norm > 0 ? static_cast<float>(weight[i] * (lengths[tap] / norm)) : 0.0f;
  }
  return weight;
}

}  // namespace

StatusOr<ImportedNetwork> ReadWav2Vec2Config(const Checkpoint& checkpoint) {
  SKALD_ASSIGN_OR_RETURN(const JsonObject config, JsonObject::Of(checkpoint.config(), ""));
  const ConfigReader reader(config);
  ImportedNetwork network;
  Wav2Vec2CtcSizes sizes;
  SKALD_RETURN_IF_ERROR(RefuseOptions(config));
  SKALD_RETURN_IF_ERROR(ReadConvolutions(config, &sizes));
  SKALD_RETURN_IF_ERROR(reader.Read("hidden_size", 16, 8192, 768, &sizes.model_width));
  SKALD_RETURN_IF_ERROR(reader.Read("num_attention_heads", 1, 128, 12, &sizes.attention_heads));
  SKALD_RETURN_IF_ERROR(reader.Read("intermediate_size", 16, 65536, 3072, &sizes.feed_forward_width));
  SKALD_RETURN_IF_ERROR(reader.Read("num_hidden_layers", 1, 128, 12, &sizes.layers));
  SKALD_RETURN_IF_ERROR(reader.Read("num_conv_pos_embeddings", 1, 1024, 128, &sizes.position_kernel));
  SKALD_RETURN_IF_ERROR(reader.Read("num_conv_pos_embedding_groups", 1, 1024, 16, &sizes.position_groups));
  SKALD_RETURN_IF_ERROR(reader.Read("vocab_size", 2, 65536, 32, &network.outputs));
  SKALD_RETURN_IF_ERROR(reader.Read("pad_token_id", 0, 65535, 0, &network.blank));
  SKALD_ASSIGN_OR_RETURN(sizes.norm_first, config.FlagOr("do_stable_layer_norm", false));
  SKALD_ASSIGN_OR_RETURN(sizes.projection_norm, config.FlagOr("feat_proj_layer_norm", true));
  SKALD_ASSIGN_OR_RETURN(sizes.layer_norm_epsilon, config.NumberOr("layer_norm_eps", 1e-12, 1e-1, 1e-5));
  sizes.max_frames = kMaxFrames;

  SKALD_ASSIGN_OR_RETURN(const nlohmann::json settings_json, ReadFeatureSettings(checkpoint));
  SKALD_ASSIGN_OR_RETURN(const JsonObject settings, JsonObject::Of(settings_json, "feature_extractor"));
  SKALD_RETURN_IF_ERROR(ConfigReader(settings).RequireInteger("sampling_rate", kRateHz, kRateHz));
  SKALD_ASSIGN_OR_RETURN(const bool normalise, settings.FlagOr("do_normalize", true));
  network.features.type = normalise ? "normalised-waveform" : "waveform";
  network.features.bins = network.features.frame_length_samples = network.features.frame_shift_samples = 1;
  network.features.sample_rate_hz = static_cast<int>(kRateHz);
  network.features.minimum_samples = static_cast<int>(WaveformField(sizes));
  network.sizes = std::move(sizes);
  return network;
}

Status CopyWav2Vec2Tensors(const Checkpoint& checkpoint, const ImportedNetwork& network,
                           const std::vector<int>& unit_order, TensorCopier* tensors) {
  const auto& sizes = std::get<Wav2Vec2CtcSizes>(network.sizes);
  const std::string model = checkpoint.Has("hubert.encoder.layer_norm.weight") ? "hubert." : "wav2vec2.";
  const int64_t width = sizes.model_width;
  int64_t inputs = 1;
  for (size_t i = 0; i < sizes.convolutions.size(); ++i) {
    const Wav2Vec2CtcSizes::Convolution& shape = sizes.convolutions[i];
    const std::string layer = "feature_extractor.conv_layers." + std::to_string(i);
    SKALD_RETURN_IF_ERROR(tensors->CopyAffine(model + layer + ".conv", {shape.channels, inputs, shape.kernel},
                                              sizes.convolution_bias, layer + ".conv"));
    if (!sizes.group_norm || i == 0) {
      SKALD_RETURN_IF_ERROR(
          tensors->CopyNorm(model + layer + ".layer_norm", shape.channels, layer + ".layer_norm"));
    }
    inputs = shape.channels;
  }
  const std::string projection = "feature_projection.";
  if (sizes.projection_norm) {
    SKALD_RETURN_IF_ERROR(
        tensors->CopyNorm(model + projection + "layer_norm", inputs, projection + "layer_norm"));
  }
  SKALD_RETURN_IF_ERROR(tensors->CopyAffine(model + projection + "projection", {width, inputs}, true,
                                            projection + "projection"));
  const std::string position = "encoder.pos_conv_embed.conv";
  const int64_t group_width = width / sizes.position_groups;
  SKALD_ASSIGN_OR_RETURN(
      std::vector<float> weight,
      ReadWeightNormed(*tensors, checkpoint, model + position, width, group_width, sizes.position_kernel));
  tensors->Add(position + ".weight", {width, group_width, sizes.position_kernel}, std::move(weight));
  SKALD_RETURN_IF_ERROR(tensors->Copy(model + position + ".bias", {width}, position + ".bias"));
  SKALD_RETURN_IF_ERROR(tensors->CopyNorm(model + "encoder.layer_norm", width, "encoder.layer_norm"));
  for (int i = 0; i < sizes.layers; ++i) {
    const std::string layer = "encoder.layers." + std::to_string(i) + ".";
    for (const char* part : {"q_proj", "k_proj", "v_proj", "out_proj"}) {
      const std::string name = layer + "attention." + part;
      SKALD_RETURN_IF_ERROR(tensors->CopyAffine(model + name, {width, width}, true, name));
    }
    for (const char* norm : {"layer_norm", "final_layer_norm"}) {
      SKALD_RETURN_IF_ERROR(tensors->CopyNorm(model + layer + norm, width, layer + norm));
    }
    const std::string first = layer + "feed_forward.intermediate_dense",
                      second = layer + "feed_forward.output_dense";
    SKALD_RETURN_IF_ERROR(tensors->CopyAffine(model + first, {sizes.feed_forward_width, width}, true, first));
    SKALD_RETURN_IF_ERROR(
        tensors->CopyAffine(model + second, {width, sizes.feed_forward_width}, true, second));
  }
  return tensors->CopyHead("lm_head", width, unit_order, std::string("ctc.") + kImportedHead);
}

}  // namespace skald
