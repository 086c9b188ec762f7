#include "models/bundle/nnet3_reader.h"

#include <array>
#include <map>
#include <string>
#include <utility>

namespace skald {
namespace {

using Operator = Nnet3Sizes::Operator;

constexpr size_t kMaxLayers = 2000, kMaxParts = 1000, kMaxTerms = 1000;
constexpr std::array<std::pair<Operator, const char*>, 7> kOperators = {
    {{Operator::kAffine, "affine"},
     {Operator::kRelu, "relu"},
     {Operator::kSigmoid, "sigmoid"},
     {Operator::kTanh, "tanh"},
     {Operator::kScaleOffset, "scale_offset"},
     {Operator::kNormalize, "normalize"},
     {Operator::kLogSoftmax, "log_softmax"}}};

/// The list `name` of `object`, of 1 to `most` entries.
StatusOr<const nlohmann::json*> List(const JsonObject& object, const std::string& name, size_t most,
                                     bool may_be_empty) {
  if (!object.Has(name) || !object.json().at(name).is_array() || object.json().at(name).size() > most ||
      (!may_be_empty && object.json().at(name).empty())) {
    return Status::Corrupt("\"" + object.PathOf(name) + "\" is not a list of at most " +
                           std::to_string(most) + " entries");
  }
  return &object.json().at(name);
}

Status ReadInteger(const JsonObject& object, const char* name, int64_t low, int64_t high, int* value) {
  SKALD_ASSIGN_OR_RETURN(const int64_t number, object.Integer(name, low, high));
  *value = static_cast<int>(number);
  return Status::Ok();
}

class LayersReader {
 public:
  Status Read(const JsonObject& object, std::vector<Nnet3Sizes::Layer>* layers) {
    SKALD_ASSIGN_OR_RETURN(const nlohmann::json* list, List(object, "layers", kMaxLayers, false));
    sources_ = {{"features", Nnet3Sizes::kFeatures}, {"ivector", Nnet3Sizes::kIvector}};
    for (const nlohmann::json& entry : *list) {
      const std::string path = object.PathOf("layers") + "[" + std::to_string(layers->size()) + "]";
      SKALD_ASSIGN_OR_RETURN(const JsonObject layer, JsonObject::Of(entry, path));
      SKALD_RETURN_IF_ERROR(ReadLayer(layer, path, &layers->emplace_back()));
      const int number = static_cast<int>(layers->size()) - 1 + Nnet3Sizes::kFirstLayer;
      if (!sources_.emplace(layers->back().name, number).second) {
        return Status::Corrupt("\"" + path + ".name\" comes twice");
      }
    }
    return Status::Ok();
  }

 private:
  Status ReadLayer(const JsonObject& object, const std::string& path, Nnet3Sizes::Layer* layer) {
    SKALD_ASSIGN_OR_RETURN(layer->name, object.String("name", 1000));
    SKALD_ASSIGN_OR_RETURN(const nlohmann::json* parts, List(object, "input", kMaxParts, false));
    for (const nlohmann::json& part : *parts) {
      if (!part.is_array() || part.empty() || part.size() > kMaxTerms) {
        return Status::Corrupt("\"" + path + ".input\": a part is a list of terms");
      }
      std::vector<Nnet3Sizes::Term>& terms = layer->input.emplace_back();
      for (const nlohmann::json& entry : part) {
        SKALD_ASSIGN_OR_RETURN(const JsonObject term, JsonObject::Of(entry, path + ".input"));
        SKALD_ASSIGN_OR_RETURN(const std::string from, term.String("from", 1000));
        const auto source = sources_.find(from);
        if (source == sources_.end()) {
          return Status::Corrupt("\"" + path + ".input\" names " + from + ", which is no layer before");
        }
        Nnet3Sizes::Term& read = terms.emplace_back();
        read.source = source->second;
        SKALD_ASSIGN_OR_RETURN(const int64_t offset, term.IntegerOr("offset", -10000, 10000, 0));
        read.offset = static_cast<int>(offset);
        SKALD_ASSIGN_OR_RETURN(read.scale, term.NumberOr("scale", -1e6, 1e6, 1.0));
      }
    }
    SKALD_ASSIGN_OR_RETURN(const nlohmann::json* operations, List(object, "operations", 100, true));
    for (const nlohmann::json& entry : *operations) {
      SKALD_ASSIGN_OR_RETURN(const JsonObject operation, JsonObject::Of(entry, path + ".operations"));
      SKALD_RETURN_IF_ERROR(ReadOperation(operation, &layer->operations.emplace_back()));
    }
    return Status::Ok();
  }

  static Status ReadOperation(const JsonObject& object, Nnet3Sizes::Operation* operation) {
    SKALD_ASSIGN_OR_RETURN(const std::string type, object.String("type", 100));
    bool known = false;
    for (const auto& [value, name] : kOperators) {
      if (type != name) continue;
      operation->type = value;
      known = true;
    }
    if (!known) return Status::Unsupported("operation \"" + type + "\" in \"" + object.PathOf("type") + "\"");
    if (operation->type == Operator::kAffine) {
      SKALD_RETURN_IF_ERROR(ReadInteger(object, "outputs", 1, 65535, &operation->outputs));
    }
    SKALD_ASSIGN_OR_RETURN(operation->rms, object.NumberOr("rms", 1e-6, 1e6, 1.0));
    return Status::Ok();
  }

  std::map<std::string, int> sources_;
};

}  // namespace

StatusOr<Nnet3Sizes> ReadNnet3Sizes(const JsonObject& object) {
  Nnet3Sizes sizes;
  SKALD_RETURN_IF_ERROR(ReadInteger(object, "feature_bins", 1, 1024, &sizes.feature_bins));
  SKALD_RETURN_IF_ERROR(ReadInteger(object, "ivector_size", 0, 2000, &sizes.ivector_size));
  SKALD_RETURN_IF_ERROR(ReadInteger(object, "subsampling", 1, 100, &sizes.subsampling));
  SKALD_RETURN_IF_ERROR(ReadInteger(object, "max_frames", 1, 1 << 20, &sizes.max_frames));
  SKALD_RETURN_IF_ERROR(LayersReader().Read(object, &sizes.layers));
  if (const StatusOr<Nnet3Shape> shape = ShapeOfNnet3(sizes); !shape.ok()) return shape.status();
  SKALD_ASSIGN_OR_RETURN(const nlohmann::json* units, List(object, "silence_units", 65535, true));
  for (const nlohmann::json& unit : *units) {
    if (!unit.is_number_integer() || unit.get<int64_t>() < 1 || unit.get<int64_t>() > 65535) {
      return Status::Corrupt("\"" + object.PathOf("silence_units") + "\" has an entry that is no unit");
    }
    sizes.silence_units.push_back(static_cast<int>(unit.get<int64_t>()));
  }
  return sizes;
}

nlohmann::ordered_json Nnet3SizesToJson(const Nnet3Sizes& sizes) {
  nlohmann::ordered_json json = {{"type", "nnet3"},
                                 {"feature_bins", sizes.feature_bins},
                                 {"ivector_size", sizes.ivector_size},
                                 {"subsampling", sizes.subsampling},
                                 {"max_frames", sizes.max_frames}};
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();
  for (const Nnet3Sizes::Layer& layer : sizes.layers) {
    nlohmann::ordered_json input = nlohmann::ordered_json::array();
    for (const auto& part : layer.input) {
      nlohmann::ordered_json terms = nlohmann::ordered_json::array();
      for (const Nnet3Sizes::Term& term : part) {
        nlohmann::ordered_json written;
        written["from"] = term.source == Nnet3Sizes::kFeatures ? "features"
                          : term.source == Nnet3Sizes::kIvector
                              ? "ivector"
                              : sizes.layers[static_cast<size_t>(term.source - Nnet3Sizes::kFirstLayer)].name;
        if (term.offset != 0) written["offset"] = term.offset;
        if (term.scale != 1) written["scale"] = term.scale;
        terms.push_back(std::move(written));
      }
      input.push_back(std::move(terms));
    }
    nlohmann::ordered_json operations = nlohmann::ordered_json::array();
    for (const Nnet3Sizes::Operation& operation : layer.operations) {
      nlohmann::ordered_json written;
      for (const auto& [value, name] : kOperators) {
        if (operation.type == value) written["type"] = name;
      }
      if (operation.type == Operator::kAffine) written["outputs"] = operation.outputs;
      if (operation.type == Operator::kNormalize) written["rms"] = operation.rms;
      operations.push_back(std::move(written));
    }
    layers.push_back(
        {{"name", layer.name}, {"input", std::move(input)}, {"operations", std::move(operations)}});
  }
  json["layers"] = std::move(layers);
  json["silence_units"] = sizes.silence_units;
  return json;
}

}  // namespace skald
