#pragma once

// The version of the project: the build reads it here. docs/embedding.md says what each number promises.
#define SKALD_VERSION_MAJOR 0
#define SKALD_VERSION_MINOR 1
#define SKALD_VERSION_PATCH 0

namespace skald {

/// Version of the library that runs, as in `skald --version` and in every transcript; the macros above are
/// the version that the caller was compiled with.
extern const char* const kVersion;

}  // namespace skald
