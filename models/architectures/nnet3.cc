#include "models/architectures/nnet3.h"

#include "models/bundle/safetensors.h"

namespace skald {

using Operator = Nnet3Sizes::Operator;

std::string Nnet3TensorName(const std::string& layer, size_t place, const char* part) {
  return layer + "." + std::to_string(place) + "." + part;
}

StatusOr<Nnet3Weights> ReadNnet3Weights(const Bundle& bundle, const Nnet3Sizes& sizes) {
  SKALD_ASSIGN_OR_RETURN(const Nnet3Shape shape, ShapeOfNnet3(sizes));
  SKALD_ASSIGN_OR_RETURN(const std::string path, bundle.VerifiedPath(bundle.manifest().weights_file));
  SKALD_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  Nnet3Weights weights;
  for (size_t l = 0; l < sizes.layers.size(); ++l) {
    const Nnet3Sizes::Layer& layer = sizes.layers[l];
    std::vector<Nnet3Weights::Operation>& operations = weights.layers.emplace_back();
    int64_t width = shape.inputs[l];
    for (size_t place = 0; place < layer.operations.size(); ++place) {
      Nnet3Weights::Operation& values = operations.emplace_back();
      const auto read = [&](const char* part, const std::vector<int64_t>& wanted,
                            std::vector<float>* into) -> Status {
        SKALD_ASSIGN_OR_RETURN(const TensorView view,
                               file.Get(Nnet3TensorName(layer.name, place, part), wanted));
        *into = view.ToFloat();
        return Status::Ok();
      };
      if (layer.operations[place].type == Operator::kAffine) {
        const int64_t outputs = layer.operations[place].outputs;
        SKALD_RETURN_IF_ERROR(read("weight", {outputs, width}, &values.weight));
        SKALD_RETURN_IF_ERROR(read("bias", {outputs}, &values.bias));
        width = outputs;
      } else if (layer.operations[place].type == Operator::kScaleOffset) {
        SKALD_RETURN_IF_ERROR(read("scale", {width}, &values.weight));
        SKALD_RETURN_IF_ERROR(read("offset", {width}, &values.bias));
      }
    }
  }
  return weights;
}

}  // namespace skald
