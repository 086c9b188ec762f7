#pragma once

#include <string>
#include <string_view>

namespace skald {

/// `text` with & < > " as entities, for XML and HTML, text and attribute values, and for WebVTT (which takes
/// &quot; literally, so `quotes` is false there).
std::string EscapeMarkup(std::string_view text, bool quotes);

}  // namespace skald
