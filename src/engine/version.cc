#include "engine/version.h"

namespace skald {

const char* const kVersion = SKALD_VERSION;

}  // namespace skald
