#include "models/layers/weights.h"

#include <cmath>

namespace skald {

AffineWeights JoinQueryKeyValue(AffineWeights query, const AffineWeights& key, const AffineWeights& value,
                                float query_scale) {
  const bool has_bias = !query.bias.empty() || !key.bias.empty() || !value.bias.empty();
  const size_t width = static_cast<size_t>(std::lround(std::sqrt(static_cast<double>(query.weight.size()))));
  for (float& weight : query.weight) weight *= query_scale;
  for (float& bias : query.bias) bias *= query_scale;
  AffineWeights joined = std::move(query);
  joined.weight.reserve(3 * joined.weight.size());
  joined.weight.insert(joined.weight.end(), key.weight.begin(), key.weight.end());
  joined.weight.insert(joined.weight.end(), value.weight.begin(), value.weight.end());
  if (!has_bias) return joined;
  joined.bias.resize(width, 0.0f);
  for (const AffineWeights* part : {&key, &value}) {
    joined.bias.insert(joined.bias.end(), part->bias.begin(), part->bias.end());
    if (part->bias.empty()) joined.bias.resize(joined.bias.size() + width, 0.0f);
  }
  return joined;
}

StatusOr<WeightReader> WeightReader::Open(const Bundle& bundle) {
  SKALD_ASSIGN_OR_RETURN(const std::string path, bundle.VerifiedPath(bundle.manifest().weights_file));
  SKALD_ASSIGN_OR_RETURN(SafetensorsFile file, SafetensorsFile::Open(path));
  return WeightReader(std::move(file));
}

Status WeightReader::Read(const std::string& name, const std::vector<int64_t>& shape,
                          std::vector<float>* values) const {
  SKALD_ASSIGN_OR_RETURN(const TensorView tensor, file_.Get(name, shape));
  *values = tensor.ToFloat();
  for (const float value : *values) {
    if (!std::isfinite(value)) {
      return Status::Corrupt("has a value that is not finite").At("tensor " + name).InFile(file_.path());
    }
  }
  return Status::Ok();
}

Status WeightReader::ReadNorm(const std::string& prefix, int64_t width, NormWeights* norm) const {
  SKALD_RETURN_IF_ERROR(Read(prefix + ".weight", {width}, &norm->gain));
  return Read(prefix + ".bias", {width}, &norm->bias);
}

Status WeightReader::ReadLinear(const std::string& prefix, int64_t outputs, int64_t inputs, bool has_bias,
                                AffineWeights* linear) const {
  SKALD_RETURN_IF_ERROR(Read(prefix + ".weight", {outputs, inputs}, &linear->weight));
  return has_bias ? Read(prefix + ".bias", {outputs}, &linear->bias) : Status::Ok();
}

Status WeightReader::ReadConvolution(const std::string& prefix, int64_t outputs, int64_t inputs, int64_t taps,
                                     bool has_bias, AffineWeights* convolution) const {
  std::vector<float> stored;
  SKALD_RETURN_IF_ERROR(Read(prefix + ".weight", {outputs, inputs, taps}, &stored));
  convolution->weight.resize(stored.size());
  for (int64_t output = 0; output < outputs; ++output) {
    for (int64_t input = 0; input < inputs; ++input) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        convolution->weight[static_cast<size_t>((output * taps + tap) * inputs + input)] =
            stored[static_cast<size_t>((output * inputs + input) * taps + tap)];
      }
    }
  }
  return has_bias ? Read(prefix + ".bias", {outputs}, &convolution->bias) : Status::Ok();
}

StatusOr<std::vector<AffineWeights>> ReadCtcHeads(const WeightReader& reader, const BundleManifest& manifest,
                                                  const std::vector<std::string>& heads, int64_t width) {
  std::vector<AffineWeights> read;
  for (const std::string& head : heads) {
    const auto found = manifest.heads.find(head);
    if (found == manifest.heads.end()) {
      return Status::InvalidArgument("bundle " + manifest.name + " has no head " + head);
    }
    read.emplace_back();
    SKALD_RETURN_IF_ERROR(reader.ReadLinear("ctc." + head, found->second.units, width, true, &read.back()));
  }
  return read;
}

}  // namespace skald
