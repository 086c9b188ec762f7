#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace skald {

/// Probabilities in the index are multiples of 1/128 nat on the logarithmic scale: off by at most a factor of
/// exp(1/256), 0.4 %. The largest code stands for everything below 1.2e-7 as well.
inline constexpr double kProbabilityStepsPerNat = 128;
inline constexpr uint32_t kMaxProbabilityCode = 2047;
/// Largest error of one code [nats].
inline constexpr double kProbabilityCodeError = 0.5 / kProbabilityStepsPerNat;

inline uint32_t ProbabilityCode(double probability) {
  const double steps = std::round(-std::log(std::min(1.0, probability)) * kProbabilityStepsPerNat);
  return steps < kMaxProbabilityCode ? static_cast<uint32_t>(steps) : kMaxProbabilityCode;
}

/// Any code beyond the largest reads as the largest.
inline double ProbabilityOfCode(uint32_t code) {
  static const std::array<double, kMaxProbabilityCode + 1> table = [] {
    std::array<double, kMaxProbabilityCode + 1> values{};
    for (uint32_t i = 0; i <= kMaxProbabilityCode; ++i) {
      values[i] = std::exp(-static_cast<double>(i) / kProbabilityStepsPerNat);
    }
    return values;
  }();
  return table[std::min(code, kMaxProbabilityCode)];
}

}  // namespace skald
