#include <cmath>

#include "models/architectures/whisper_encoder_ctc.h"
#include "models/importers/network_importers.h"

namespace skald {
namespace {

/// Largest difference of stored positions, which may be f16, from the sinusoids that Skald computes.
constexpr float kPositionTolerance = 2e-3f;

/// Prefix of the encoder's tensors.
StatusOr<std::string> FindEncoder(const Checkpoint& checkpoint) {
  for (const char* prefix : {"model.encoder.", "encoder.", "whisper.encoder."}) {
    if (checkpoint.Has(std::string(prefix) + "conv1.weight")) return std::string(prefix);
  }
  return Status::NotFound("is missing").At("tensor model.encoder.conv1.weight").InFile(checkpoint.folder());
}

StatusOr<std::string> FindHead(const Checkpoint& checkpoint) {
  for (const char* name : {"lm_head", "ctc_head"}) {
    if (checkpoint.Has(std::string(name) + ".weight")) return std::string(name);
  }
  return Status::Unsupported(
             "has no CTC head (lm_head.weight or ctc_head.weight): Whisper's own decoder is not run, only "
             "encoders that "
             "were trained with CTC")
      .InFile(checkpoint.folder());
}

}  // namespace

StatusOr<ImportedNetwork> ReadWhisperConfig(const Checkpoint& checkpoint) {
  SKALD_ASSIGN_OR_RETURN(const JsonObject config, JsonObject::Of(checkpoint.config(), ""));
  const ConfigReader reader(config);
  ImportedNetwork network;
  WhisperEncoderCtcSizes sizes;
  SKALD_RETURN_IF_ERROR(reader.RequireText("activation_function", "gelu", "gelu"));
  SKALD_RETURN_IF_ERROR(reader.Read("num_mel_bins", 1, 128, 80, &sizes.feature_bins));
  SKALD_RETURN_IF_ERROR(reader.Read("d_model", 64, 8192, 384, &sizes.model_width));
  SKALD_RETURN_IF_ERROR(reader.Read("encoder_attention_heads", 1, 128, 6, &sizes.attention_heads));
  SKALD_RETURN_IF_ERROR(reader.Read("encoder_ffn_dim", 16, 65536, 1536, &sizes.feed_forward_width));
  SKALD_RETURN_IF_ERROR(reader.Read("encoder_layers", 1, 128, 4, &sizes.layers));
  SKALD_RETURN_IF_ERROR(reader.Read("max_source_positions", 1, 65536, 1500, &sizes.max_positions));
  SKALD_RETURN_IF_ERROR(reader.Read("pad_token_id", 0, 65535, 0, &network.blank));
  if (sizes.model_width != 64 * sizes.attention_heads) {
    return Status::Unsupported("\"d_model\" " + std::to_string(sizes.model_width) +
                               " is not 64 x \"encoder_attention_heads\" " +
                               std::to_string(sizes.attention_heads));
  }
  SKALD_ASSIGN_OR_RETURN(const std::string head, FindHead(checkpoint));
  const std::vector<int64_t> shape = checkpoint.ShapeOf(head + ".weight");
  if (shape.size() < 2 || shape[0] < 2 || shape[0] > 65536) {
    return Status::Corrupt("shape " + ShapeToString(shape) + ", expected [units, width]")
        .At("tensor " + head + ".weight");
  }
  network.outputs = static_cast<int>(shape[0]);
  network.features = {.type = "whisper-log-mel",
                      .bins = sizes.feature_bins,
                      .sample_rate_hz = 16000,
                      .frame_length_samples = 400,
                      .frame_shift_samples = 160,
                      .minimum_samples = 0};
  network.sizes = sizes;
  return network;
}

Status CopyWhisperTensors(const Checkpoint& checkpoint, const ImportedNetwork& network,
                          const std::vector<int>& unit_order, TensorCopier* tensors) {
  const auto& sizes = std::get<WhisperEncoderCtcSizes>(network.sizes);
  const int64_t width = sizes.model_width, wide = sizes.feed_forward_width;
  SKALD_ASSIGN_OR_RETURN(const std::string from, FindEncoder(checkpoint));
  SKALD_RETURN_IF_ERROR(
      tensors->CopyAffine(from + "conv1", {width, sizes.feature_bins, 3}, true, "encoder.conv1"));
  SKALD_RETURN_IF_ERROR(tensors->CopyAffine(from + "conv2", {width, width, 3}, true, "encoder.conv2"));
  const std::string positions_name = from + "embed_positions.weight";
  SKALD_ASSIGN_OR_RETURN(const std::vector<float> positions,
                         tensors->Read(positions_name, {sizes.max_positions, width}));
  const std::vector<float> computed = SinusoidalPositions(sizes.max_positions, width);
  for (size_t i = 0; i < positions.size(); ++i) {
    if (std::abs(positions[i] - computed[i]) > kPositionTolerance) {
      return Status::Unsupported("positions are not Whisper's sinusoids")
          .At("tensor " + positions_name)
          .InFile(checkpoint.folder());
    }
  }
  for (int i = 0; i < sizes.layers; ++i) {
    const std::string source = from + "layers." + std::to_string(i) + ".";
    const std::string target = "encoder.layers." + std::to_string(i) + ".";
    for (const char* part :
         {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj"}) {
      const bool has_bias = std::string(part) != "self_attn.k_proj";
      SKALD_RETURN_IF_ERROR(tensors->CopyAffine(source + part, {width, width}, has_bias, target + part));
    }
    for (const char* norm : {"self_attn_layer_norm", "final_layer_norm"}) {
      SKALD_RETURN_IF_ERROR(tensors->CopyNorm(source + norm, width, target + norm));
    }
    SKALD_RETURN_IF_ERROR(tensors->CopyAffine(source + "fc1", {wide, width}, true, target + "fc1"));
    SKALD_RETURN_IF_ERROR(tensors->CopyAffine(source + "fc2", {width, wide}, true, target + "fc2"));
  }
  SKALD_RETURN_IF_ERROR(tensors->CopyNorm(from + "layer_norm", width, "encoder.layer_norm"));
  SKALD_ASSIGN_OR_RETURN(const std::string head, FindHead(checkpoint));
  return tensors->CopyHead(head, width, unit_order, std::string("ctc.") + kImportedHead);
}

}  // namespace skald
