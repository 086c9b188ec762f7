#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "engine/vad_options.h"
#include "frontend/segmentation/silero_network.h"
#include "frontend/segmentation/speech_gate.h"

namespace skald {

/// Makes a gate for each stream. Thread safe after Create.
class VoiceActivity {
 public:
  /// Reads the network where the options ask for it. Fails for options out of range, and as
  /// ReadSileroNetwork. The detector "off" makes no gates: no such object is needed.
  static StatusOr<std::unique_ptr<VoiceActivity>> Create(const VadOptions& options);

  /// Memory that the gates of one thread share.
  class Scratch {
    friend class VoiceActivity;
    SileroNetwork::Scratch silero_;
  };

  /// Borrows this and `scratch`.
  SpeechGate MakeGate(Scratch* scratch, SpeechGate::Pass pass) const;

  /// The options as text, for transcripts.
  std::string Describe() const;

 private:
  VoiceActivity(const VadOptions& options, std::optional<SileroNetwork> network)
      : options_(options), network_(std::move(network)) {}

  const VadOptions options_;
  const std::optional<SileroNetwork> network_;  // none: energy
};

}  // namespace skald
