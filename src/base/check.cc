#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace skald {

void CheckFailed(const char* file, int line, const char* condition, const char* message) {
  std::fprintf(stderr, "skald: broken invariant at %s:%d: %s (%s)\n", file, line, message, condition);
  std::abort();
}

}  // namespace skald
