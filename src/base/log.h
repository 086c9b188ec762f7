#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace skald {

enum class LogLevel { kDebug, kInfo, kWarning };

/// Receives messages. Called from any thread; must not call back into the library.
using LogSink = std::function<void(LogLevel, std::string_view)>;

/// Replaces the process-wide sink. The default sink drops everything: the library never prints. Thread safe.
void SetLogSink(LogSink sink);

/// Hands a message to the sink. Thread safe.
void Log(LogLevel level, std::string_view message);

}  // namespace skald
