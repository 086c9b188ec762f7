#include "models/importers/kaldi_features.h"

#include <cmath>
#include <string>

namespace skald {

StatusOr<FeatureDescription> ReadKaldiMfccConfig(const KaldiConfig& config) {
  SKALD_RETURN_IF_ERROR(config.CheckKnown({"allow-downsample", "allow-upsample",   "cepstral-lifter",
                                           "debug-mel",        "dither",           "energy-floor",
                                           "frame-length",     "frame-shift",      "high-freq",
                                           "htk-compat",       "low-freq",         "max-feature-vectors",
                                           "num-ceps",         "num-mel-bins",     "preemphasis-coefficient",
                                           "raw-energy",       "remove-dc-offset", "round-to-power-of-two",
                                           "sample-frequency", "snip-edges",       "use-energy",
                                           "utterance-wise",   "vtln-high",        "vtln-low",
                                           "window-type"}));
  FeatureDescription features;
  features.type = "kaldi-mfcc";
  const auto unsupported = [&](const std::string& what) {
    return Status::Unsupported(what).InFile(config.path());
  };
  if (const std::string window = config.Text("window-type", "povey"); window != "povey") {
    return unsupported("option --window-type " + window);
  }
  SKALD_ASSIGN_OR_RETURN(const bool power_of_two, config.Boolean("round-to-power-of-two", true));
  if (!power_of_two) return unsupported("option --round-to-power-of-two false");
  SKALD_ASSIGN_OR_RETURN(const bool htk, config.Boolean("htk-compat", false));
  if (htk) return unsupported("option --htk-compat true");

  SKALD_ASSIGN_OR_RETURN(const double rate, config.Number("sample-frequency", 16000, 1000, 192000));
  SKALD_ASSIGN_OR_RETURN(const double length_ms, config.Number("frame-length", 25, 1, 1000));
  SKALD_ASSIGN_OR_RETURN(const double shift_ms, config.Number("frame-shift", 10, 1, 1000));
  SKALD_ASSIGN_OR_RETURN(features.bins, config.Integer("num-ceps", 13, 1, 1024));
  features.sample_rate_hz = static_cast<int>(rate);
  features.frame_length_samples = static_cast<int>(std::floor(rate * 0.001 * length_ms));
  features.frame_shift_samples = static_cast<int>(std::floor(rate * 0.001 * shift_ms));

  SKALD_ASSIGN_OR_RETURN(features.settings["mel_bins"], config.Integer("num-mel-bins", 23, 1, 1024));
  SKALD_ASSIGN_OR_RETURN(features.settings["low_hz"], config.Number("low-freq", 20, 0, 1e6));
  SKALD_ASSIGN_OR_RETURN(features.settings["high_hz"], config.Number("high-freq", 0, -1e6, 1e6));
  SKALD_ASSIGN_OR_RETURN(features.settings["preemphasis"],
                         config.Number("preemphasis-coefficient", 0.97, 0, 1));
  SKALD_ASSIGN_OR_RETURN(features.settings["cepstral_lifter"], config.Number("cepstral-lifter", 22, 0, 1e6));
  SKALD_ASSIGN_OR_RETURN(features.settings["energy_floor"], config.Number("energy-floor", 0, 0, 1e30));
  const auto flag = [&](const char* option, bool absent, const char* setting) -> Status {
    SKALD_ASSIGN_OR_RETURN(const bool value, config.Boolean(option, absent));
    features.settings[setting] = value ? 1 : 0;
    return Status::Ok();
  };
  SKALD_RETURN_IF_ERROR(flag("use-energy", true, "use_energy"));
  SKALD_RETURN_IF_ERROR(flag("raw-energy", true, "raw_energy"));
  SKALD_RETURN_IF_ERROR(flag("remove-dc-offset", true, "remove_dc_offset"));
  SKALD_RETURN_IF_ERROR(flag("snip-edges", true, "snip_edges"));
  if (features.settings["snip_edges"] == 0) return unsupported("option --snip-edges false");
  return features;
}

}  // namespace skald
