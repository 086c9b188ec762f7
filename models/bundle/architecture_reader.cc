#include "models/bundle/architecture_reader.h"

#include <string>
#include <utility>

#include "models/bundle/nnet3_reader.h"

namespace skald {
namespace {

Status ReadInteger(const JsonObject& object, const char* name, int64_t low, int64_t high, int* value) {
  SKALD_ASSIGN_OR_RETURN(const int64_t number, object.Integer(name, low, high));
  *value = static_cast<int>(number);
  return Status::Ok();
}

/// The sizes that every transformer has.
template <typename Sizes>
Status ReadTransformer(const JsonObject& object, Sizes* sizes) {
  SKALD_RETURN_IF_ERROR(ReadInteger(object, "model_width", 16, 8192, &sizes->model_width));
  SKALD_RETURN_IF_ERROR(ReadInteger(object, "attention_heads", 1, 128, &sizes->attention_heads));
  SKALD_RETURN_IF_ERROR(ReadInteger(object, "feed_forward_width", 16, 65536, &sizes->feed_forward_width));
  return ReadInteger(object, "layers", 1, 128, &sizes->layers);
}

/// Heads of whole vectors; at most what attention has room for.
Status CheckHeadWidth(const JsonObject& object, int width, int heads) {
  const int head_width = width / heads;
  if (width % heads == 0 && head_width % 16 == 0 && head_width <= 256) return Status::Ok();
  return Status::Unsupported("\"" + object.PathOf("model_width") + "\" " + std::to_string(width) + " by \"" +
                             object.PathOf("attention_heads") + "\" " + std::to_string(heads) +
                             ": heads must have a multiple of 16 columns, at most 256");
}

Status CheckMultipleOf16(const JsonObject& object, const char* name, int value) {
  if (value % 16 == 0) return Status::Ok();
  return Status::Unsupported("\"" + object.PathOf(name) + "\" " + std::to_string(value) +
                             " is not a multiple of 16");
}

StatusOr<ArchitectureSizes> ReadWhisper(const JsonObject& object) {
  WhisperEncoderCtcSizes sizes;
  SKALD_RETURN_IF_ERROR(ReadInteger(object, "feature_bins", 1, 1024, &sizes.feature_bins));
  SKALD_RETURN_IF_ERROR(ReadTransformer(object, &sizes));
  SKALD_RETURN_IF_ERROR(ReadInteger(object, "max_positions", 1, 65536, &sizes.max_positions));
  SKALD_ASSIGN_OR_RETURN(sizes.layer_norm_epsilon, object.Number("layer_norm_epsilon", 1e-12, 1e-1));
  if (object.Has("pool_after_layer")) {
    int layer = 0;
    SKALD_RETURN_IF_ERROR(ReadInteger(object, "pool_after_layer", 0, sizes.layers - 1, &layer));
    sizes.pool_after_layer = layer;
  }
  if (sizes.model_width != 64 * sizes.attention_heads) {
    return Status::Unsupported("\"architecture.model_width\" " + std::to_string(sizes.model_width) +
                               " is not 64 x \"architecture.attention_heads\" " +
                               std::to_string(sizes.attention_heads));
  }
  return ArchitectureSizes(std::move(sizes));
}

Status ReadConvolutions(const JsonObject& object, Wav2Vec2CtcSizes* sizes) {
  const std::string path = "\"" + object.PathOf("convolutions") + "\"";
  if (!object.Has("convolutions")) return Status::Corrupt(path + " is missing");
  const nlohmann::json& list = object.json().at("convolutions");
  if (!list.is_array() || list.size() < 2 || list.size() > 16)
    return Status::Corrupt(path + " is not a list of 2 to 16");
  for (const nlohmann::json& item : list) {
    const bool integers = item.is_array() && item.size() == 3 && item[0].is_number_integer() &&
                          item[1].is_number_integer() && item[2].is_number_integer();
    if (!integers) return Status::Corrupt(path + ": an item is not [channels, kernel, stride]");
    const auto channels = item[0].get<int64_t>(), kernel = item[1].get<int64_t>(),
               stride = item[2].get<int64_t>();
    if (channels < 1 || channels > 4096 || kernel < 1 || kernel > 64 || stride < 1 || stride > 64) {
      return Status::Corrupt(path + " " + item.dump() + ": channels 1 to 4096, kernel and stride 1 to 64");
    }
    if (channels % 16 != 0) {
      return Status::Unsupported(path + ": " + std::to_string(channels) +
                                 " channels are not a multiple of 16");
    }
    sizes->convolutions.push_back(
        {static_cast<int>(channels), static_cast<int>(kernel), static_cast<int>(stride)});
  }
  return Status::Ok();
}

StatusOr<ArchitectureSizes> ReadWav2Vec2(const JsonObject& object) {
  Wav2Vec2CtcSizes sizes;
  SKALD_RETURN_IF_ERROR(ReadConvolutions(object, &sizes));
  SKALD_ASSIGN_OR_RETURN(sizes.convolution_bias, object.Flag("convolution_bias"));
  SKALD_ASSIGN_OR_RETURN(sizes.group_norm, object.Flag("group_norm"));
  SKALD_ASSIGN_OR_RETURN(sizes.projection_norm, object.Flag("projection_norm"));
  SKALD_ASSIGN_OR_RETURN(sizes.norm_first, object.Flag("norm_first"));
  SKALD_RETURN_IF_ERROR(ReadTransformer(object, &sizes));
  SKALD_RETURN_IF_ERROR(ReadInteger(object, "position_kernel", 1, 1024, &sizes.position_kernel));
  SKALD_RETURN_IF_ERROR(ReadInteger(object, "position_groups", 1, 1024, &sizes.position_groups));
  SKALD_RETURN_IF_ERROR(ReadInteger(object, "max_frames", 1, 65536, &sizes.max_frames));
  SKALD_ASSIGN_OR_RETURN(sizes.layer_norm_epsilon, object.Number("layer_norm_epsilon", 1e-12, 1e-1));
  SKALD_RETURN_IF_ERROR(CheckHeadWidth(object, sizes.model_width, sizes.attention_heads));
  SKALD_RETURN_IF_ERROR(CheckMultipleOf16(object, "feed_forward_width", sizes.feed_forward_width));
  if (sizes.model_width % sizes.position_groups != 0) {
    return Status::Corrupt("\"" + object.PathOf("position_groups") + "\" " +
                           std::to_string(sizes.position_groups) + " does not divide the model's width " +
                           std::to_string(sizes.model_width));
  }
  return ArchitectureSizes(std::move(sizes));
}

StatusOr<ArchitectureSizes> ReadFastConformer(const JsonObject& object) {
  FastConformerCtcSizes sizes;
  SKALD_RETURN_IF_ERROR(ReadInteger(object, "feature_bins", 8, 1024, &sizes.feature_bins));
  SKALD_RETURN_IF_ERROR(ReadInteger(object, "subsampling_channels", 16, 4096, &sizes.subsampling_channels));
  SKALD_RETURN_IF_ERROR(ReadTransformer(object, &sizes));
  SKALD_RETURN_IF_ERROR(ReadInteger(object, "convolution_kernel", 1, 255, &sizes.convolution_kernel));
  SKALD_ASSIGN_OR_RETURN(sizes.scale_input, object.Flag("scale_input"));
  SKALD_ASSIGN_OR_RETURN(sizes.linear_bias, object.Flag("linear_bias"));
  SKALD_ASSIGN_OR_RETURN(sizes.convolution_bias, object.Flag("convolution_bias"));
  SKALD_RETURN_IF_ERROR(ReadInteger(object, "max_frames", 1, 65536, &sizes.max_frames));
  SKALD_RETURN_IF_ERROR(CheckHeadWidth(object, sizes.model_width, sizes.attention_heads));
  SKALD_RETURN_IF_ERROR(CheckMultipleOf16(object, "feed_forward_width", sizes.feed_forward_width));
  SKALD_RETURN_IF_ERROR(CheckMultipleOf16(object, "subsampling_channels", sizes.subsampling_channels));
  if (sizes.feature_bins % 8 != 0) {
    return Status::Unsupported("\"" + object.PathOf("feature_bins") + "\" " +
                               std::to_string(sizes.feature_bins) + " is not a multiple of 8");
  }
  if (sizes.convolution_kernel % 2 == 0) {
    return Status::Unsupported("\"" + object.PathOf("convolution_kernel") + "\" " +
                               std::to_string(sizes.convolution_kernel) + " is even");
  }
  return ArchitectureSizes(std::move(sizes));
}

void WriteTransformer(const auto& sizes, nlohmann::ordered_json* json) {
  (*json)["model_width"] = sizes.model_width;
  (*json)["attention_heads"] = sizes.attention_heads;
  (*json)["feed_forward_width"] = sizes.feed_forward_width;
  (*json)["layers"] = sizes.layers;
}

void Write(const WhisperEncoderCtcSizes& sizes, nlohmann::ordered_json* json) {
  (*json)["feature_bins"] = sizes.feature_bins;
  WriteTransformer(sizes, json);
  (*json)["max_positions"] = sizes.max_positions;
  (*json)["layer_norm_epsilon"] = sizes.layer_norm_epsilon;
  if (sizes.pool_after_layer) (*json)["pool_after_layer"] = *sizes.pool_after_layer;
}

void Write(const Wav2Vec2CtcSizes& sizes, nlohmann::ordered_json* json) {
  nlohmann::ordered_json convolutions = nlohmann::ordered_json::array();
  for (const Wav2Vec2CtcSizes::Convolution& convolution : sizes.convolutions) {
    convolutions.push_back({convolution.channels, convolution.kernel, convolution.stride});
  }
  (*json)["convolutions"] = std::move(convolutions);
  (*json)["convolution_bias"] = sizes.convolution_bias;
  (*json)["group_norm"] = sizes.group_norm;
  (*json)["projection_norm"] = sizes.projection_norm;
  WriteTransformer(sizes, json);
  (*json)["position_kernel"] = sizes.position_kernel;
  (*json)["position_groups"] = sizes.position_groups;
  (*json)["norm_first"] = sizes.norm_first;
  (*json)["layer_norm_epsilon"] = sizes.layer_norm_epsilon;
  (*json)["max_frames"] = sizes.max_frames;
}

void Write(const Nnet3Sizes& sizes, nlohmann::ordered_json* json) { json->update(Nnet3SizesToJson(sizes)); }

void Write(const FastConformerCtcSizes& sizes, nlohmann::ordered_json* json) {
  (*json)["feature_bins"] = sizes.feature_bins;
  (*json)["subsampling_channels"] = sizes.subsampling_channels;
  WriteTransformer(sizes, json);
  (*json)["convolution_kernel"] = sizes.convolution_kernel;
  (*json)["scale_input"] = sizes.scale_input;
  (*json)["linear_bias"] = sizes.linear_bias;
  (*json)["convolution_bias"] = sizes.convolution_bias;
  (*json)["max_frames"] = sizes.max_frames;
}

}  // namespace

StatusOr<ArchitectureSizes> ReadArchitectureSizes(const JsonObject& object) {
  SKALD_ASSIGN_OR_RETURN(const std::string type, object.String("type"));
  if (type == "whisper-encoder-ctc") return ReadWhisper(object);
  if (type == "wav2vec2-ctc") return ReadWav2Vec2(object);
  if (type == "fastconformer-ctc") return ReadFastConformer(object);
  if (type == "nnet3") {
    SKALD_ASSIGN_OR_RETURN(Nnet3Sizes sizes, ReadNnet3Sizes(object));
    return ArchitectureSizes(std::move(sizes));
  }
  return Status::Unsupported("architecture \"" + type +
                             "\"; known: whisper-encoder-ctc, wav2vec2-ctc, fastconformer-ctc, nnet3");
}

nlohmann::ordered_json ArchitectureSizesToJson(const ArchitectureSizes& sizes) {
  nlohmann::ordered_json json;
  json["type"] = ArchitectureName(sizes);
  std::visit([&json](const auto& s) { Write(s, &json); }, sizes);
  return json;
}

}  // namespace skald
