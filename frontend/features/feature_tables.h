#pragma once

#include <vector>

#include "frontend/features/feature_options.h"

namespace skald {

/// Samples of a larger magnitude than this, infinities and NaN count as silence: no input makes a feature
/// infinite. Full scale is 1.
inline constexpr float kLargestSample = 32768.0f;

/// Sparse mel filters: filter m is weights[start[m] .. start[m + 1]) on the power of the bins from first[m].
struct MelFilters {
  std::vector<int> first;  ///< [mel_bins]
  std::vector<int> start;  ///< [mel_bins + 1]
  std::vector<float> weights;
};

/// Every number that CPU and CUDA extractors derive from the options, computed in double, kept in float.
struct FeatureTables {
  std::vector<float> window;  ///< [frame_length_samples]
  /// exp(-2 pi i j / (fft_size / 2)), j = 0 .. fft_size / 2 - 1: twiddles of the complex transform.
  std::vector<float> twiddle_real, twiddle_imag;
  /// exp(-2 pi i k / fft_size), k = 0 .. fft_size / 4: turn the packed transform into that of the real frame.
  std::vector<float> split_real, split_imag;
  /// Filters on FOUR times the power: the extractors leave out the two halvings of the packed real transform.
  MelFilters mel;
  std::vector<float> dct;  ///< [cepstra, mel_bins], lifter and order of outputs included; MFCC only
  float sample_scale = 1;  ///< of the input samples
  float mel_floor = 0;     ///< filter outputs below count as this
  float mel_offset = 0;    ///< then this is added
  float log_scale = 1;     ///< of the natural logarithm: 1 / ln 10 for log10
  float energy_floor = 0;  ///< frame energies below count as this
  int mel_output = 0;      ///< output that holds the first mel value; fbank kinds
  int energy_output = -1;  ///< output that holds the log energy; -1: none
};

/// Filters on the power spectrum [fft_size / 2 + 1] itself, for tests and for other users.
MelFilters MakeMelFilters(const FeatureOptions& options);

/// `options` must be valid.
FeatureTables MakeFeatureTables(const FeatureOptions& options);

}  // namespace skald
