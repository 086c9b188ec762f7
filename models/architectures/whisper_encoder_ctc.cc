#include "models/architectures/whisper_encoder_ctc.h"

#include <cmath>

#include "models/bundle/safetensors.h"

namespace skald {
namespace {

constexpr int64_t kTaps = 3;

/// Reads named tensors of a file; remembers nothing but the file.
class WeightReader {
 public:
  explicit WeightReader(const SafetensorsFile& file) : file_(file) {}

  Status Read(const std::string& name, const std::vector<int64_t>& shape, std::vector<float>* values) const {
    SKALD_ASSIGN_OR_RETURN(const TensorView tensor, file_.Get(name, shape));
    *values = tensor.ToFloat();
    for (const float value : *values) {
      if (!std::isfinite(value)) {
        return Status::Corrupt("has a value that is not finite").At("tensor " + name).InFile(file_.path());
      }
    }
    return Status::Ok();
  }

  Status ReadNorm(const std::string& prefix, int64_t width, WhisperEncoderCtcWeights::Norm* norm) const {
    SKALD_RETURN_IF_ERROR(Read(prefix + ".weight", {width}, &norm->gain));
    return Read(prefix + ".bias", {width}, &norm->bias);
  }

  Status ReadLinear(const std::string& prefix, int64_t outputs, int64_t inputs,
                    WhisperEncoderCtcWeights::Affine* linear) const {
    SKALD_RETURN_IF_ERROR(Read(prefix + ".weight", {outputs, inputs}, &linear->weight));
    return Read(prefix + ".bias", {outputs}, &linear->bias);
  }

  /// [outputs, inputs, taps] in the file becomes [outputs, taps, inputs]: the order of consecutive rows in
  /// memory.
  Status ReadConvolution(const std::string& prefix, int64_t outputs, int64_t inputs,
                         WhisperEncoderCtcWeights::Affine* convolution) const {
    std::vector<float> stored;
    SKALD_RETURN_IF_ERROR(Read(prefix + ".weight", {outputs, inputs, kTaps}, &stored));
    convolution->weight.resize(stored.size());
    for (int64_t output = 0; output < outputs; ++output) {
      for (int64_t input = 0; input < inputs; ++input) {
        for (int64_t tap = 0; tap < kTaps; ++tap) {
          convolution->weight[static_cast<size_t>((output * kTaps + tap) * inputs + input)] =
              stored[static_cast<size_t>((output * inputs + input) * kTaps + tap)];
        }
      }
    }
    return Read(prefix + ".bias", {outputs}, &convolution->bias);
  }

  Status ReadLayer(const std::string& prefix, const WhisperEncoderCtcSizes& sizes,
                   WhisperEncoderCtcWeights::Layer* layer) const {
    const int64_t width = sizes.model_width;
    SKALD_RETURN_IF_ERROR(ReadNorm(prefix + ".self_attn_layer_norm", width, &layer->attention_norm));
    WhisperEncoderCtcWeights::Affine query, value;
    std::vector<float> key;
    SKALD_RETURN_IF_ERROR(ReadLinear(prefix + ".self_attn.q_proj", width, width, &query));
    SKALD_RETURN_IF_ERROR(Read(prefix + ".self_attn.k_proj.weight", {width, width}, &key));
    SKALD_RETURN_IF_ERROR(ReadLinear(prefix + ".self_attn.v_proj", width, width, &value));
    for (float& weight : query.weight) weight *= 0.125f;
    for (float& bias : query.bias) bias *= 0.125f;
    WhisperEncoderCtcWeights::Affine& joined = layer->query_key_value;
    joined.weight = std::move(query.weight);
    joined.weight.insert(joined.weight.end(), key.begin(), key.end());
    joined.weight.insert(joined.weight.end(), value.weight.begin(), value.weight.end());
    joined.bias = std::move(query.bias);
    joined.bias.resize(static_cast<size_t>(2 * width), 0.0f);  // keys have no bias
    joined.bias.insert(joined.bias.end(), value.bias.begin(), value.bias.end());
    SKALD_RETURN_IF_ERROR(ReadLinear(prefix + ".self_attn.out_proj", width, width, &layer->attention_output));
    SKALD_RETURN_IF_ERROR(ReadNorm(prefix + ".final_layer_norm", width, &layer->feed_forward_norm));
    SKALD_RETURN_IF_ERROR(
        ReadLinear(prefix + ".fc1", sizes.feed_forward_width, width, &layer->feed_forward_1));
    return ReadLinear(prefix + ".fc2", width, sizes.feed_forward_width, &layer->feed_forward_2);
  }

 private:
  const SafetensorsFile& file_;
};

/// P[t, i] = sin(t w_i), P[t, width / 2 + i] = cos(t w_i), w_i = exp(-ln(10000) / (width / 2 - 1) * i).
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

}  // namespace

StatusOr<WhisperEncoderCtcWeights> ReadWhisperEncoderCtcWeights(const Bundle& bundle,
                                                                const std::vector<std::string>& heads) {
  const BundleManifest& manifest = bundle.manifest();
  const WhisperEncoderCtcSizes& sizes = manifest.sizes;
  for (const std::string& head : heads) {
    if (!manifest.heads.contains(head)) {
      return Status::InvalidArgument("bundle " + manifest.name + " has no head " + head);
    }
  }
  SKALD_ASSIGN_OR_RETURN(const std::string path, bundle.VerifiedPath(manifest.weights_file));
  SKALD_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  const WeightReader reader(file);
  WhisperEncoderCtcWeights weights;
  SKALD_RETURN_IF_ERROR(
      reader.ReadConvolution("encoder.conv1", sizes.model_width, sizes.feature_bins, &weights.convolution_1));
  SKALD_RETURN_IF_ERROR(
      reader.ReadConvolution("encoder.conv2", sizes.model_width, sizes.model_width, &weights.convolution_2));
  for (int layer = 0; layer < sizes.layers; ++layer) {
    weights.layers.emplace_back();
    SKALD_RETURN_IF_ERROR(
        reader.ReadLayer("encoder.layers." + std::to_string(layer), sizes, &weights.layers.back()));
  }
  SKALD_RETURN_IF_ERROR(reader.ReadNorm("encoder.layer_norm", sizes.model_width, &weights.final_norm));
  for (const std::string& head : heads) {
    weights.heads.emplace_back();
    SKALD_RETURN_IF_ERROR(reader.ReadLinear("ctc." + head, manifest.heads.at(head).units, sizes.model_width,
                                            &weights.heads.back()));
  }
  weights.positions = SinusoidalPositions(sizes.max_positions, sizes.model_width);
  return weights;
}

int64_t WhisperEncoderCtcFrames(const WhisperEncoderCtcSizes& sizes, int64_t feature_frames) {
  const int64_t frames = (feature_frames + 1) / 2;
  return sizes.pool_after_layer ? (frames + 1) / 2 : frames;
}

}  // namespace skald
