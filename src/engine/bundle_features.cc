#include "engine/bundle_features.h"

#include "base/audio.h"

namespace skald {

StatusOr<FeatureOptions> FeaturesOfBundle(const FeatureDescription& description) {
  FeatureOptions options;
  if (description.type == "whisper-log-mel") {
    options = WhisperLogMelOptions();
  } else if (description.type == "kaldi-fbank") {
    options = KaldiFbankOptions();
  } else if (description.type == "kaldi-mfcc") {
    options = KaldiMfccOptions();
  } else if (description.type == "nemo-log-mel") {
    options = NemoLogMelOptions();
  } else if (description.type == "waveform" || description.type == "normalised-waveform") {
    options = WaveformOptions();
    options.normalise_samples = description.type == "normalised-waveform";
    options.minimum_samples = description.minimum_samples;
  } else {
    return Status::Unsupported("features of type \"" + description.type + "\"");
  }
  if (description.sample_rate_hz != kSampleRateHz) {
    return Status::Unsupported("features at " + std::to_string(description.sample_rate_hz) + " Hz");
  }
  options.frame_length_samples = description.frame_length_samples;
  options.frame_shift_samples = description.frame_shift_samples;
  if (options.kind == FeatureKind::kKaldiMfcc) {
    options.cepstra = description.bins;
  } else {
    options.mel_bins = description.bins;
  }
  SKALD_RETURN_IF_ERROR(options.Validate());
  return options;
}

}  // namespace skald
