#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace skald {

/// Base64 (RFC 4648) with padding, in one line. Texts of pieces may be joined where all but the last have a
/// multiple of 3 bytes.
std::string Base64(std::span<const std::byte> bytes);

}  // namespace skald
