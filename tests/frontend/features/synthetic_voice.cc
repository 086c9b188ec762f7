#include "frontend/features/synthetic_voice.h"

#include <cmath>
#include <numbers>

namespace skald::test {

std::vector<float> SyntheticVoice(std::mt19937_64& random, size_t samples) {
  std::uniform_real_distribution<double> uniform(0, 1);
  const double pitch_hz = 80 + 200 * uniform(random), loudness = std::pow(10, -3 * uniform(random));
  const double noise = std::pow(10, -1 - 3 * uniform(random));
  std::vector<float> voice(samples);
  double phase = 0;
  for (size_t i = 0; i < samples; ++i) {
    phase += 2 * std::numbers::pi * pitch_hz * (1 + 0.2 * std::sin(static_cast<double>(i) / 4000)) / 16000;
    double value = 0;
    for (int harmonic = 1; harmonic < 20; ++harmonic) value += std::sin(harmonic * phase) / harmonic;
    const double envelope = 0.5 + 0.5 * std::sin(static_cast<double>(i) / 1500);
    voice[i] = static_cast<float>(0.3 * loudness * (envelope * value + noise * (2 * uniform(random) - 1)));
  }
  return voice;
}

}  // namespace skald::test
