#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/status.h"

namespace skald {

/// XXH3-64 of a byte range: fast checksums of graph images and cache keys; not for security.
uint64_t Xxh64(std::span<const std::byte> bytes, uint64_t seed = 0);

/// SHA-256.
std::array<std::byte, 32> Sha256(std::span<const std::byte> bytes);

/// The same as 64 lower-case hex digits.
std::string Sha256Hex(std::span<const std::byte> bytes);

/// SHA-256 of a file's content, read in pieces.
StatusOr<std::string> Sha256HexOfFile(const std::string& path);

}  // namespace skald
