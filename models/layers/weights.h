#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "models/bundle/bundle.h"
#include "models/bundle/safetensors.h"

namespace skald {

/// A linear layer or a convolution in f32.
struct AffineWeights {
  std::vector<float> weight;  ///< linear: [outputs, inputs]; convolution: [outputs, taps, inputs]
  std::vector<float> bias;    ///< [outputs], or empty for none
};

/// Gain and bias of a normalisation [width].
struct NormWeights {
  std::vector<float> gain, bias;
};

/// A transformer layer: self-attention, then a feed-forward network with GELU.
struct TransformerLayerWeights {
  NormWeights attention_norm;
  AffineWeights query_key_value;  ///< [3 * width, width]; queries scaled by 1 / sqrt(columns of a head)
  AffineWeights attention_output;
  NormWeights feed_forward_norm;
  AffineWeights feed_forward_1, feed_forward_2;
};

/// Joins the three projections [width, width] to one [3 * width, width], queries and their bias times
/// `query_scale`. Empty biases count as zeros; all three empty give none.
AffineWeights JoinQueryKeyValue(AffineWeights query, const AffineWeights& key, const AffineWeights& value,
                                float query_scale);

/// Reads named tensors of a bundle's weights as finite f32 values of stated shapes. Failures name file and
/// tensor.
class WeightReader {
 public:
  /// Checks the SHA-256 of the bundle's weights and maps them.
  static StatusOr<WeightReader> Open(const Bundle& bundle);

  Status Read(const std::string& name, const std::vector<int64_t>& shape, std::vector<float>* values) const;
  /// PREFIX.weight and PREFIX.bias [width].
  Status ReadNorm(const std::string& prefix, int64_t width, NormWeights* norm) const;
  /// PREFIX.weight [outputs, inputs] and, where `has_bias`, PREFIX.bias [outputs].
  Status ReadLinear(const std::string& prefix, int64_t outputs, int64_t inputs, bool has_bias,
                    AffineWeights* linear) const;
  /// PREFIX.weight [outputs, inputs, taps] becomes [outputs, taps, inputs]: the order of consecutive rows in
  /// memory.
  Status ReadConvolution(const std::string& prefix, int64_t outputs, int64_t inputs, int64_t taps,
                         bool has_bias, AffineWeights* convolution) const;

 private:
  explicit WeightReader(SafetensorsFile file) : file_(std::move(file)) {}
  SafetensorsFile file_;
};

/// The heads "ctc.NAME" [units, width] in the order of `heads`; kInvalidArgument for a head the bundle lacks.
StatusOr<std::vector<AffineWeights>> ReadCtcHeads(const WeightReader& reader, const BundleManifest& manifest,
                                                  const std::vector<std::string>& heads, int64_t width);

}  // namespace skald
