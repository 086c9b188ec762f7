#include "frontend/features/window_norms.h"

#include <cmath>
#include <vector>

#include "frontend/features/feature_tables.h"

namespace skald {

void NormaliseBins(MatrixView<float> features) {
  const auto bins = static_cast<size_t>(features.columns);
  std::vector<double> mean(bins, 0.0), squares(bins, 0.0);
  for (int64_t row = 0; row < features.rows; ++row) {
    const std::span<float> values = features.Row(row);
    for (size_t bin = 0; bin < bins; ++bin) mean[bin] += values[bin];
  }
  for (double& value : mean) value /= static_cast<double>(features.rows);
  for (int64_t row = 0; row < features.rows; ++row) {
    const std::span<float> values = features.Row(row);
    for (size_t bin = 0; bin < bins; ++bin)
      squares[bin] += (values[bin] - mean[bin]) * (values[bin] - mean[bin]);
  }
  for (double& value : squares) {
    value = features.rows > 1 ? std::sqrt(value / static_cast<double>(features.rows - 1)) + 1e-5 : 1e-5;
  }
  for (int64_t row = 0; row < features.rows; ++row) {
    const std::span<float> values = features.Row(row);
    for (size_t bin = 0; bin < bins; ++bin)
      values[bin] = static_cast<float>((values[bin] - mean[bin]) / squares[bin]);
  }
}

void CopyWaveform(PcmView samples, bool normalise, MatrixView<float> features) {
  const auto count = static_cast<int64_t>(samples.size());
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    const float x = samples[static_cast<size_t>(i)];
    features(i, 0) = std::fabs(x) <= kLargestSample ? x : 0.0f;  // NaN fails the comparison
    sum += features(i, 0);
  }
  for (int64_t i = count; i < features.rows; ++i) features(i, 0) = 0.0f;
  if (!normalise || count == 0) return;
  const double mean = sum / static_cast<double>(count);
  double squares = 0;
  for (int64_t i = 0; i < count; ++i) squares += (features(i, 0) - mean) * (features(i, 0) - mean);
  const double scale = 1.0 / std::sqrt(squares / static_cast<double>(count) + 1e-7);
  for (int64_t i = 0; i < count; ++i) features(i, 0) = static_cast<float>((features(i, 0) - mean) * scale);
}

}  // namespace skald
