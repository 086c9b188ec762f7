#pragma once

namespace skald {

/// Reports a broken invariant on standard error with its place and aborts. Never returns.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition, const char* message);

}  // namespace skald

/// Stops the process when an invariant of Skald's own code is broken. Never used for bad input.
#define SKALD_CHECK(condition, message)                              \
  do {                                                               \
    if (!(condition)) [[unlikely]] {                                 \
      ::skald::CheckFailed(__FILE__, __LINE__, #condition, message); \
    }                                                                \
  } while (false)
