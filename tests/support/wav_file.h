#pragma once

#include <string>
#include <vector>

namespace skald::test {

/// Samples of a 16 kHz mono 16-bit wav file with a 44-byte header, x / 32768. Throws std::runtime_error
/// otherwise.
std::vector<float> ReadWavFile(const std::string& path);

}  // namespace skald::test
