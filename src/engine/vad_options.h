#pragma once

#include <string>

#include "base/status.h"
#include "frontend/segmentation/speech_gate_options.h"

namespace skald {

/// How sound without speech is kept from the acoustic model.
struct VadOptions {
  /// "silero" (a small network), "energy" (what stands out of the background), or "off" (all sound is
  /// transcribed). The detectors save the time of long pauses and cost the words that they miss.
  std::string detector = "off";
  /// What of the sound between speech is left out.
  SpeechGateOptions gate;
  /// Folder of the network; empty: $SKALD_VAD_MODEL, else models/silero-vad-16k as FindDefaultBundle looks.
  std::string model_folder;

  Status Validate() const;  ///< kInvalidArgument names the field that is out of range
};

}  // namespace skald
