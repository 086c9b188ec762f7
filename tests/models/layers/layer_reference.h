#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "models/layers/cpu/tile_team.h"
#include "models/layers/weights.h"

// Random layers, and what they compute straight from the formulas in f64.
namespace skald::test {

template <typename T>
T PickOne(std::initializer_list<T> of, std::mt19937_64* random) {
  return *(of.begin() + (*random)() % of.size());
}

inline std::vector<float> RandomValues(int64_t count, float deviation, std::mt19937_64* random) {
  std::normal_distribution<float> value(0.0f, deviation);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& x : values) x = value(*random);
  return values;
}

/// Outputs of about the size of the inputs, and a bias of about 1.
inline AffineWeights RandomAffine(int64_t outputs, int64_t inputs, std::mt19937_64* random) {
  const float deviation = 1.0f / std::sqrt(static_cast<float>(inputs));
  return {RandomValues(outputs * inputs, deviation, random), RandomValues(outputs, 1.0f, random)};
}

inline NormWeights RandomNorm(int64_t width, std::mt19937_64* random) {
  NormWeights norm{RandomValues(width, 0.3f, random), RandomValues(width, 0.3f, random)};
  for (float& gain : norm.gain) gain += 1.0f;
  return norm;
}

/// `x` [rows, width] with the rows that tiles of linear layers need behind it, which are no numbers: they
/// must not matter.
inline std::vector<float> PadRows(std::span<const float> x, int64_t rows, int64_t width) {
  std::vector<float> padded(x.begin(), x.end());
  padded.resize(static_cast<size_t>(PaddedRows(rows) * width), std::numeric_limits<float>::quiet_NaN());
  return padded;
}

inline double Gelu(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }

/// x [rows, inputs] * weight^T + bias.
inline std::vector<double> Affine(const AffineWeights& affine, const std::vector<double>& x, int64_t inputs) {
  const size_t columns = static_cast<size_t>(inputs), outputs = affine.weight.size() / columns;
  std::vector<double> y;
  for (size_t row = 0; row < x.size() / columns; ++row) {
    for (size_t output = 0; output < outputs; ++output) {
      double sum = affine.bias.empty() ? 0.0 : double{affine.bias[output]};
      for (size_t i = 0; i < columns; ++i) sum += x[row * columns + i] * affine.weight[output * columns + i];
      y.push_back(sum);
    }
  }
  return y;
}

inline std::vector<double> LayerNorm(const NormWeights& norm, const std::vector<double>& x, double epsilon) {
  const size_t width = norm.gain.size();
  std::vector<double> y(x.size());
  for (size_t first = 0; first < x.size(); first += width) {
    double mean = 0, variance = 0;
    for (size_t i = 0; i < width; ++i) mean += x[first + i] / static_cast<double>(width);
    for (size_t i = 0; i < width; ++i)
      variance += std::pow(x[first + i] - mean, 2) / static_cast<double>(width);
    for (size_t i = 0; i < width; ++i)
      y[first + i] = (x[first + i] - mean) / std::sqrt(variance + epsilon) * norm.gain[i] + norm.bias[i];
  }
  return y;
}

}  // namespace skald::test
