#include "frontend/features/feature_options.h"

#include <string>

#include "base/audio.h"

namespace skald {
namespace {

constexpr double kNyquistHz = kSampleRateHz / 2.0;

Status OutOfRange(const char* field, double value, const std::string& range) {
  std::string number = std::to_string(value);
  number.erase(number.find_last_not_of('0') + 1);
  if (number.back() == '.') number.pop_back();
  return Status::InvalidArgument(std::string("feature option ") + field + " is " + number + ", must be " +
                                 range);
}

Status CheckRange(const char* field, double value, double low, double high) {
  if (value >= low && value <= high) return Status::Ok();  // false for NaN
  return OutOfRange(field, value, "from " + std::to_string(low) + " to " + std::to_string(high));
}

}  // namespace

int FeatureOptions::bins() const {
  switch (kind) {
    case FeatureKind::kWhisperLogMel:
    case FeatureKind::kNemoLogMel:
      return mel_bins;
    case FeatureKind::kWaveform:
      return 1;
    case FeatureKind::kKaldiFbank:
      return mel_bins + (use_energy ? 1 : 0);
    case FeatureKind::kKaldiMfcc:
      return cepstra;
  }
  return 0;
}

Status FeatureOptions::Validate() const {
  if (kind == FeatureKind::kWaveform) {
    SKALD_RETURN_IF_ERROR(CheckRange("frame_length_samples", frame_length_samples, 1, 1));
    SKALD_RETURN_IF_ERROR(CheckRange("frame_shift_samples", frame_shift_samples, 1, 1));
    return CheckRange("minimum_samples", minimum_samples, 0, 1 << 20);
  }
  SKALD_RETURN_IF_ERROR(CheckRange("frame_length_samples", frame_length_samples, 2, 4096));
  SKALD_RETURN_IF_ERROR(CheckRange("frame_shift_samples", frame_shift_samples, 1, 4096));
  if (fft_size < frame_length_samples || fft_size > 8192 || fft_size % 2 != 0) {
    return OutOfRange("fft_size", fft_size, "even, at most 8192 and at least frame_length_samples");
  }
  SKALD_RETURN_IF_ERROR(CheckRange("mel_bins", mel_bins, 1, 128));
  const double high = high_hz > 0 ? high_hz : kNyquistHz + high_hz;
  if (!(low_hz >= 0 && low_hz < kNyquistHz)) return OutOfRange("low_hz", low_hz, "at least 0 and below 8000");
  if (!(high > low_hz && high <= kNyquistHz))
    return OutOfRange("high_hz", high_hz, "above low_hz, at most 8000");
  if (kind == FeatureKind::kWhisperLogMel) {
    if (fft_size != frame_length_samples)
      return OutOfRange("fft_size", fft_size, "equal to frame_length_samples");
    if (minimum_samples <= fft_size / 2 || minimum_samples > 1 << 20) {
      return OutOfRange("minimum_samples", minimum_samples,
                        "above half the fft_size (the ends are reflected)");
    }
  } else {
    SKALD_RETURN_IF_ERROR(CheckRange("preemphasis", preemphasis, 0, 1));
    SKALD_RETURN_IF_ERROR(CheckRange("energy_floor", energy_floor, 0, 1e30));
  }
  if (kind == FeatureKind::kNemoLogMel) {
    SKALD_RETURN_IF_ERROR(CheckRange("minimum_samples", minimum_samples, frame_shift_samples, 1 << 20));
  }
  if (kind == FeatureKind::kKaldiMfcc) {
    SKALD_RETURN_IF_ERROR(CheckRange("cepstra", cepstra, 1, mel_bins));
    SKALD_RETURN_IF_ERROR(CheckRange("cepstral_lifter", cepstral_lifter, 0, 1e6));
  }
  int rest = fft_size / 2;
  for (int prime : {2, 3, 5}) {
    while (rest % prime == 0) rest /= prime;
  }
  if (rest != 1) {
    return Status::Unsupported("feature option fft_size is " + std::to_string(fft_size) +
                               ", which has a prime factor above 5");
  }
  return Status::Ok();
}

FeatureOptions WhisperLogMelOptions() { return {}; }

FeatureOptions KaldiFbankOptions() {
  FeatureOptions options;
  options.kind = FeatureKind::kKaldiFbank;
  options.fft_size = 512;
  options.low_hz = 20;
  options.high_hz = 0;
  options.preemphasis = 0.97;
  options.remove_dc_offset = true;
  return options;
}

FeatureOptions KaldiMfccOptions() {
  FeatureOptions options = KaldiFbankOptions();
  options.kind = FeatureKind::kKaldiMfcc;
  options.mel_bins = 23;
  options.use_energy = true;
  return options;
}

FeatureOptions NemoLogMelOptions() {
  FeatureOptions options;
  options.kind = FeatureKind::kNemoLogMel;
  options.fft_size = 512;
  options.window = WindowShape::kHann;
  options.preemphasis = 0.97;
  options.minimum_samples = 2 * options.frame_shift_samples;  // one frame has no standard deviation
  return options;
}

FeatureOptions WaveformOptions() {
  FeatureOptions options;
  options.kind = FeatureKind::kWaveform;
  options.frame_length_samples = options.frame_shift_samples = 1;
  options.minimum_samples = 0;
  return options;
}

}  // namespace skald
