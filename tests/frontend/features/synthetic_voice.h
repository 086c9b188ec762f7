#pragma once

#include <cstddef>
#include <random>
#include <vector>

namespace skald::test {

/// Harmonics of a gliding pitch under a moving envelope, plus noise, at a random level: something like a
/// voice.
std::vector<float> SyntheticVoice(std::mt19937_64& random, size_t samples);

}  // namespace skald::test
