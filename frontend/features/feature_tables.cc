#include "frontend/features/feature_tables.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/audio.h"

namespace skald {
namespace {

constexpr double kPi = std::numbers::pi;

/// Slaney's mel scale as in librosa and Whisper: linear to 1000 Hz, logarithmic above, 27 steps for a factor
/// of 6.4.
constexpr double kSlaneyBreakHz = 1000.0;
constexpr double kSlaneyBreakMel = 15.0;
const double kSlaneyLogStep = std::log(6.4) / 27.0;

double SlaneyMel(double hz) {
  return hz < kSlaneyBreakHz ? hz * 3.0 / 200.0
                             : kSlaneyBreakMel + std::log(hz / kSlaneyBreakHz) / kSlaneyLogStep;
}
double SlaneyHz(double mel) {
  return mel < kSlaneyBreakMel ? mel * 200.0 / 3.0
                               : kSlaneyBreakHz * std::exp((mel - kSlaneyBreakMel) * kSlaneyLogStep);
}
double HtkMel(double hz) { return 1127.0 * std::log(1.0 + hz / 700.0); }

/// Height at x of a triangle that rises from `left` to 1 at `centre` and falls to `right`.
double Triangle(double x, double left, double centre, double right) {
  return std::max(0.0, std::min((x - left) / (centre - left), (right - x) / (right - centre)));
}

std::vector<float> MakeWindow(const FeatureOptions& options) {
  const int length = options.frame_length_samples;
  std::vector<float> window(length);
  for (int i = 0; i < length; ++i) {
    const bool whisper = options.kind == FeatureKind::kWhisperLogMel;
    const double turn =
        2 * kPi * i / (whisper ? length : length - 1);  // periodic for Whisper, symmetric for Kaldi
    const double hann = 0.5 - 0.5 * std::cos(turn);
    double value = hann;
    if (!whisper) {
      switch (options.window) {
        case WindowShape::kPovey:
          value = std::pow(hann, 0.85);
          break;
        case WindowShape::kHamming:
          value = 0.54 - 0.46 * std::cos(turn);
          break;
        case WindowShape::kHann:
          break;
        case WindowShape::kRectangular:
          value = 1;
          break;
        case WindowShape::kBlackman:
          value = 0.42 - 0.5 * std::cos(turn) + 0.08 * std::cos(2 * turn);
          break;
      }
    }
    window[i] = static_cast<float>(value);
  }
  return window;
}

/// Type-II DCT, orthonormal, rows scaled by the lifter and ordered as the options say.
std::vector<float> MakeDct(const FeatureOptions& options) {
  std::vector<float> dct;
  for (int row = 0; row < options.cepstra; ++row) {
    const int i = options.htk_compatible ? (row + 1) % options.cepstra : row;
    const double q = options.cepstral_lifter;
    double scale = std::sqrt((i == 0 ? 1.0 : 2.0) / options.mel_bins);
    if (q > 0) scale *= 1 + 0.5 * q * std::sin(kPi * i / q);
    if (i == 0 && options.htk_compatible) scale *= std::numbers::sqrt2;
    for (int m = 0; m < options.mel_bins; ++m) {
      dct.push_back(static_cast<float>(scale * std::cos(kPi / options.mel_bins * (m + 0.5) * i)));
    }
  }
  return dct;
}

}  // namespace

MelFilters MakeMelFilters(const FeatureOptions& options) {
  const bool slaney = options.kind == FeatureKind::kWhisperLogMel || options.kind == FeatureKind::kNemoLogMel;
  const double nyquist = kSampleRateHz / 2.0;
  const double high = options.high_hz > 0 ? options.high_hz : nyquist + options.high_hz;
  const double mel_low = slaney ? SlaneyMel(options.low_hz) : HtkMel(options.low_hz);
  const double mel_high = slaney ? SlaneyMel(high) : HtkMel(high);
  // Slaney triangles are straight in Hz, Kaldi's in mel; Kaldi leaves out the bin at half the sample rate.
  const int spectrum_bins = options.fft_size / 2 + (slaney ? 1 : 0);
  MelFilters filters;
  filters.start.push_back(0);
  for (int m = 0; m < options.mel_bins; ++m) {
    double edges[3];
    for (int e = 0; e < 3; ++e) {
      const double mel = mel_low + (mel_high - mel_low) * (m + e) / (options.mel_bins + 1);
      edges[e] = slaney ? SlaneyHz(mel) : mel;
    }
    int first = 0;
    int count = 0;
    for (int k = 0; k < spectrum_bins; ++k) {
      const double hz = static_cast<double>(k) * kSampleRateHz / options.fft_size;
      double weight = Triangle(slaney ? hz : HtkMel(hz), edges[0], edges[1], edges[2]);
      if (weight <= 0) continue;
      if (slaney) weight *= 2.0 / (edges[2] - edges[0]);
      if (count++ == 0) first = k;
      filters.weights.push_back(static_cast<float>(weight));
    }
    filters.first.push_back(first);
    filters.start.push_back(static_cast<int>(filters.weights.size()));
  }
  return filters;
}

FeatureTables MakeFeatureTables(const FeatureOptions& options) {
  const bool whisper = options.kind == FeatureKind::kWhisperLogMel;
  FeatureTables tables;
  tables.window = MakeWindow(options);
  const int half = options.fft_size / 2;
  for (int j = 0; j < half; ++j) {
    tables.twiddle_real.push_back(static_cast<float>(std::cos(2 * kPi * j / half)));
    tables.twiddle_imag.push_back(static_cast<float>(-std::sin(2 * kPi * j / half)));
  }
  for (int k = 0; k <= options.fft_size / 4; ++k) {
    tables.split_real.push_back(static_cast<float>(std::cos(2 * kPi * k / options.fft_size)));
    tables.split_imag.push_back(static_cast<float>(-std::sin(2 * kPi * k / options.fft_size)));
  }
  tables.mel = MakeMelFilters(options);
  for (float& weight : tables.mel.weights) weight *= 0.25f;
  if (whisper) {
    tables.mel_floor = 1e-10f;
    tables.log_scale = static_cast<float>(1 / std::numbers::ln10);
    return tables;
  }
  if (options.kind == FeatureKind::kNemoLogMel) {
    tables.mel_offset = 0x1p-24f;
    return tables;
  }
  tables.sample_scale = 32768;
  tables.mel_floor = std::numeric_limits<float>::epsilon();
  tables.energy_floor = std::max(tables.mel_floor, static_cast<float>(options.energy_floor));
  const int energy_output = options.htk_compatible ? options.bins() - 1 : 0;
  if (options.use_energy) tables.energy_output = energy_output;
  if (options.kind == FeatureKind::kKaldiMfcc) tables.dct = MakeDct(options);
  if (options.kind == FeatureKind::kKaldiFbank && options.use_energy && !options.htk_compatible)
    tables.mel_output = 1;
  return tables;
}

}  // namespace skald
