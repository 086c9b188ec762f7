#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"

namespace skald {

/// Calls `handle(line)` for each line of `text`, without its end ("\n" or "\r\n"), and stops at the first
/// that fails, which the Status then names.
template <typename Handle>
Status ForEachLine(std::string_view text, Handle handle) {
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (Status status = handle(line); !status.ok())
      return std::move(status).At("line " + std::to_string(number));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return Status::Ok();
}

}  // namespace skald
