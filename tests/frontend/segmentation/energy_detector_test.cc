#include "frontend/segmentation/energy_detector.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <vector>

#include "support/test_environment.h"
#include "support/wav_file.h"

namespace skald {
namespace {

constexpr size_t kChunk = SpeechDetector::kChunkSamples;

std::vector<float> Detect(std::vector<float> samples) {
  samples.resize(samples.size() / kChunk * kChunk);
  std::vector<float> probabilities(samples.size() / kChunk);
  EnergyDetector().Detect(samples, probabilities.data());
  return probabilities;
}

std::vector<float> Noise(double seconds, float level, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> gauss(0.0f, level);
  std::vector<float> samples(static_cast<size_t>(seconds * kSampleRateHz));
  for (float& sample : samples) sample = std::clamp(gauss(random), -1.0f, 1.0f);
  return samples;
}

double ShareOfSpeech(const std::vector<float>& probabilities, size_t from) {
  const auto count = std::count_if(probabilities.begin() + static_cast<std::ptrdiff_t>(from),
                                   probabilities.end(), [](float p) { return p >= 0.5f; });
  return static_cast<double>(count) / static_cast<double>(probabilities.size() - from);
}

TEST(EnergyDetector, SteadyNoiseOfAnyLevelIsBackground) {
  const uint64_t seed = test::PropertySeed();
  for (const float level : {0.0f, 1e-5f, 1e-3f, 0.05f, 0.5f}) {
    EXPECT_EQ(ShareOfSpeech(Detect(Noise(30, level, seed)), EnergyDetector::kUnknownChunks), 0) << level;
  }
}

TEST(EnergyDetector, SpeechStandsOutOfNoise) {
  const std::vector<float> speech = test::ReadWavFile(test::ProjectPath("models/en-base/golden/jfk.wav"));
  std::vector<float> samples = Noise(8, 0.002f, test::PropertySeed());
  const size_t begin = samples.size() / kChunk;
  for (const float sample : speech) samples.push_back(sample + samples[samples.size() % 1000]);
  EXPECT_GT(ShareOfSpeech(Detect(samples), begin), 0.4);
  samples.resize(begin * kChunk);
  EXPECT_EQ(ShareOfSpeech(Detect(samples), EnergyDetector::kUnknownChunks), 0);
}

TEST(EnergyDetector, HumDoesNotHideSpeech) {
  std::vector<float> samples(20 * kSampleRateHz);
  for (size_t i = 0; i < samples.size(); ++i) {
    const double t = static_cast<double>(i) / kSampleRateHz;
    samples[i] = static_cast<float>(0.3 * std::sin(2 * M_PI * 50 * t));
    if (t > 10 && t < 12) samples[i] += static_cast<float>(0.02 * std::sin(2 * M_PI * 1500 * t));
  }
  const std::vector<float> probabilities = Detect(samples);
  for (size_t c = EnergyDetector::kUnknownChunks; c < probabilities.size(); ++c) {
    const double t = static_cast<double>(c * kChunk) / kSampleRateHz;
    if (t > 10.05 && t < 11.9) {
      EXPECT_GT(probabilities[c], 0.5f) << t;
    } else if (t < 9.9 || t > 12.1) {
      EXPECT_LT(probabilities[c], 0.5f) << t;
    }
  }
}

TEST(EnergyDetector, ABackgroundThatRoseIsLearnt) {
  std::vector<float> samples = Noise(10, 0.001f, 1);
  const std::vector<float> loud = Noise(10, 0.1f, 2);
  samples.insert(samples.end(), loud.begin(), loud.end());
  const std::vector<float> probabilities = Detect(samples);
  const size_t change = 10 * kSampleRateHz / kChunk;
  EXPECT_GT(probabilities[change + 2], 0.5f);
  EXPECT_EQ(ShareOfSpeech(probabilities, change + EnergyDetector::kFloorChunks + 2), 0);
}

}  // namespace
}  // namespace skald
