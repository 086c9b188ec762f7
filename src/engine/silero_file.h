#pragma once

#include <string>

#include "base/status.h"
#include "frontend/segmentation/silero_network.h"

namespace skald {

/// Reads Silero's voice activity detector from `folder`/model.safetensors. Fails as SafetensorsFile does,
/// naming file and tensor.
StatusOr<SileroNetwork> ReadSileroNetwork(const std::string& folder);

}  // namespace skald
