#pragma once

namespace skald {

/// Version of this build, as in `skald --version` and in every transcript.
extern const char* const kVersion;

}  // namespace skald
