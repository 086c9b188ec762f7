#pragma once

#include <string>

#include "base/status.h"

namespace skald {

/// FFmpeg's text for one of its error codes (negative).
std::string AvErrorText(int error);

/// `error` as a Status: "WHAT: FFmpeg's text". The caller adds the file.
Status AvError(int error, const std::string& what);

/// Sends FFmpeg's own messages to Log at debug level instead of standard error, for the whole process. Thread
/// safe; every call after the first does nothing.
void RouteAvLog();

}  // namespace skald
