#include "engine/bundle_features.h"

#include <map>
#include <string>

#include "base/audio.h"

namespace skald {

namespace {

/// Fields of Kaldi's features that a bundle may set by name.
Status ApplySettings(const std::map<std::string, double>& settings, FeatureOptions* options) {
  for (const auto& [name, value] : settings) {
    const bool flag = value != 0;
    if (name == "mel_bins" && value >= 1 && value <= 1024) {
      options->mel_bins = static_cast<int>(value);
    } else if (name == "low_hz") {
      options->low_hz = value;
    } else if (name == "high_hz") {
      options->high_hz = value;
    } else if (name == "preemphasis") {
      options->preemphasis = value;
    } else if (name == "cepstral_lifter") {
      options->cepstral_lifter = value;
    } else if (name == "energy_floor") {
      options->energy_floor = value;
    } else if (name == "use_energy") {
      options->use_energy = flag;
    } else if (name == "raw_energy") {
      options->raw_energy = flag;
    } else if (name == "remove_dc_offset") {
      options->remove_dc_offset = flag;
    } else if (name == "snip_edges") {
      options->snip_edges = flag;
    } else {
      return Status::Unsupported("feature setting \"" + name + "\"");
    }
  }
  return Status::Ok();
}

}  // namespace

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
  SKALD_RETURN_IF_ERROR(ApplySettings(description.settings, &options));
  SKALD_RETURN_IF_ERROR(options.Validate());
  return options;
}

}  // namespace skald
