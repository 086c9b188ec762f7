#include "engine/voice_activity.h"

#include <fmt/format.h>
#include <utility>

#include "base/check.h"
#include "engine/model_folder.h"
#include "engine/silero_file.h"
#include "frontend/segmentation/energy_detector.h"
#include "frontend/segmentation/silero_detector.h"

namespace skald {

Status VadOptions::Validate() const {
  if (detector != "silero" && detector != "energy" && detector != "off") {
    return Status::InvalidArgument("the voice activity detector is silero, energy or off, not '" + detector +
                                   "'");
  }
  return gate.Validate();
}

StatusOr<std::unique_ptr<VoiceActivity>> VoiceActivity::Create(const VadOptions& options) {
  SKALD_RETURN_IF_ERROR(options.Validate());
  SKALD_CHECK(options.detector != "off", "nothing detects voice activity");
  std::optional<SileroNetwork> network;
  if (options.detector == "silero") {
    std::string folder = options.model_folder;
    if (folder.empty()) {
      StatusOr<std::string> found = FindModelFolder("silero-vad-16k", "model.safetensors", "SKALD_VAD_MODEL");
      if (!found.ok()) {
        return Status::NotFound("no voice activity detector: " + found.status().reason() +
                                "; without it: --vad energy or off");
      }
      folder = std::move(*found);
    }
    SKALD_ASSIGN_OR_RETURN(network, ReadSileroNetwork(folder));
  }
  return std::unique_ptr<VoiceActivity>(new VoiceActivity(options, std::move(network)));
}

SpeechGate VoiceActivity::MakeGate(Scratch* scratch, SpeechGate::Pass pass) const {
  std::unique_ptr<SpeechDetector> detector;
  if (network_.has_value()) {
    detector = std::make_unique<SileroDetector>(&*network_, &scratch->silero_);
  } else {
    detector = std::make_unique<EnergyDetector>();
  }
  return SpeechGate(options_.gate, std::move(detector), std::move(pass));
}

std::string VoiceActivity::Describe() const {
  const SpeechGateOptions& gate = options_.gate;
  return fmt::format("{}, threshold {:g}, {:g} s before and {:g} s after speech, skips of {:g} s",
                     options_.detector, gate.threshold, gate.lead_s, gate.tail_s, gate.min_skip_s);
}

}  // namespace skald
