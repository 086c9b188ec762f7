#pragma once

#include "base/status.h"

namespace skald {

/// The families of features. A family fixes the mel scale, the logarithm and the treatment of the window's
/// ends:
/// - kWhisperLogMel: frames centred on multiples of the shift, ends reflected without repeating the edge
/// sample,
///   periodic Hann window, Slaney mel filters with area normalisation, log10, clamped to 8 below the maximum
///   of the window, (L + 4) / 4. Source: openai/whisper, whisper/audio.py; librosa, filters.mel.
/// - kKaldiFbank, kKaldiMfcc: samples in the range of int16, HTK mel scale 1127 ln(1 + f / 700), triangles of
/// height 1
///   in the mel domain, natural logarithm. Source: Kaldi, feat/feature-window.cc, feature-fbank.cc,
///   feature-mfcc.cc. Dither is always 0.
/// - kNemoLogMel: preemphasis of the whole window, frames centred on multiples of the shift, zeros beyond the
/// ends,
///   Slaney mel filters with area normalisation, ln(x + 2^-24), every bin shifted and scaled to mean 0 and
///   standard deviation 1 over the window. Source: transformers, feature_extraction_parakeet.py (NeMo's
///   AudioToMelSpectrogramPreprocessor with normalize: per_feature).
/// - kWaveform: the samples themselves, a frame each.
enum class FeatureKind { kWhisperLogMel, kKaldiFbank, kKaldiMfcc, kNemoLogMel, kWaveform };

/// Tapering windows of the Kaldi kinds (and NeMo), as in Kaldi's feature-window.cc. kPovey is a Hann window
/// to the power 0.85.
enum class WindowShape { kPovey, kHamming, kHann, kRectangular, kBlackman };

/// Parameters of the features of 16 kHz audio. The values in place are those of WhisperLogMelOptions().
struct FeatureOptions {
  FeatureKind kind = FeatureKind::kWhisperLogMel;

  /// Samples a frame looks at. Longer: finer in frequency, coarser in time, slower. Whisper: equal to
  /// fft_size.
  int frame_length_samples = 400;
  /// Samples from one frame to the next. Smaller: more frames, proportionally more work for everything that
  /// follows.
  int frame_shift_samples = 160;
  /// Points of the Fourier transform, at least the frame length (the frame is padded with zeros). Even, and
  /// without prime factors above 5. Larger: finer interpolation of the spectrum, slower. On CUDA: 400 or 512.
  int fft_size = 400;
  /// Mel filters, at most 128. More: more detail for the model and more work in its first layer.
  int mel_bins = 80;
  /// Lower edge of the first filter.
  double low_hz = 0;
  /// Upper edge of the last filter; 0 or negative: counted from half the sample rate, as in Kaldi.
  double high_hz = 8000;

  /// Whisper, NeMo, waveform: shorter windows are padded with zeros at the end up to this length (an empty
  /// one has no frames).
  int minimum_samples = 480;

  /// Waveform only: the window's samples, padding aside, are shifted and scaled to mean 0 and variance 1
  /// (plus 1e-7 where the scale is computed).
  bool normalise_samples = false;

  // From here on: the Kaldi kinds, window and preemphasis also NeMo.

  /// True: only frames that lie completely in the window. False: a frame for every shift, ends mirrored.
  bool snip_edges = true;
  WindowShape window = WindowShape::kPovey;
  /// Coefficient of x[i] - c x[i-1] inside each frame, 0 to 1; larger lifts high frequencies more.
  double preemphasis = 0;
  /// Subtracts each frame's mean.
  bool remove_dc_offset = false;
  /// Log energy of the frame as an extra feature (fbank) or instead of cepstrum 0 (MFCC).
  bool use_energy = false;
  /// Energy before preemphasis and window rather than after.
  bool raw_energy = true;
  /// Energies below this count as this; 0: only the smallest float epsilon is kept away from the logarithm.
  double energy_floor = 0;
  /// Order of HTK: energy or cepstrum 0 last; cepstrum 0, where it is not the energy, times sqrt(2).
  bool htk_compatible = false;

  // MFCC only.

  /// Cepstral coefficients that are kept, from 0; at most mel_bins.
  int cepstra = 13;
  /// Lifter Q: coefficient i is scaled by 1 + Q/2 sin(pi i / Q); 0: no scaling. Larger emphasises higher
  /// coefficients.
  double cepstral_lifter = 22;

  /// Values a frame has.
  int bins() const;
  /// kInvalidArgument naming the field where a value is out of its range or does not fit another one;
  /// kUnsupported for a Fourier transform with a prime factor above 5.
  Status Validate() const;

  bool operator==(const FeatureOptions&) const = default;
};

/// What en-base and every model that starts from a Whisper encoder needs: 80 bins, 100 frames/s.
FeatureOptions WhisperLogMelOptions();
/// Kaldi's defaults of compute-fbank-feats with the 80 bins of today's recipes (Kaldi's own default is 23).
FeatureOptions KaldiFbankOptions();
/// Kaldi's defaults of compute-mfcc-feats: 13 cepstra of 23 bins, energy in place of cepstrum 0.
FeatureOptions KaldiMfccOptions();
/// What Parakeet models need: 80 bins, 100 frames/s, frames of 400 samples in transforms of 512, preemphasis
/// 0.97.
FeatureOptions NemoLogMelOptions();
/// What Wav2Vec 2.0 models need, but for `normalise_samples`.
FeatureOptions WaveformOptions();

}  // namespace skald
