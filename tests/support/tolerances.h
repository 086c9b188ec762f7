#pragma once

namespace skald::test {

// Every numeric tolerance of the tests, each with where it comes from.

/// Log-mel features in f32 against the golden .npy computed in f64.
inline constexpr double kLogMelAbs = 1e-4;
/// Kaldi-compatible features against kaldi-native-fbank, which computes in f32.
inline constexpr double kKaldiFeatureAbs = 2e-3;
/// Log-probs in f32 against the golden forward pass in f32 with another order of summation.
inline constexpr double kLogProbF32Abs = 2e-3;

}  // namespace skald::test
