#include "frontend/media/resampler.h"

#include <cmath>
#include <gtest/gtest.h>
#include <iostream>
#include <numbers>
#include <random>

#include "base/audio.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

std::vector<float> Tone(double hz, int rate, double seconds) {
  std::vector<float> samples(static_cast<size_t>(seconds * rate));
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] =
        static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / rate));
  }
  return samples;
}

std::vector<float> Resample(const std::vector<float>& input, int rate) {
  auto resampler = Resampler::Create(rate);
  EXPECT_TRUE(resampler.ok());
  std::vector<float> output;
  resampler->Push(input, &output);
  resampler->Finish(&output);
  return output;
}

// Level against a full tone of 0.5, away from the ends, where the filter sees the cut.
double LevelDb(const std::vector<float>& samples) {
  double energy = 0;
  const size_t margin = samples.size() / 10;
  for (size_t i = margin; i < samples.size() - margin; ++i)
    energy += static_cast<double>(samples[i]) * samples[i];
  return 10 * std::log10(energy / static_cast<double>(samples.size() - 2 * margin) / 0.125 + 1e-20);
}

TEST(Resampler, PassbandIsFlatAndNothingAliases) {
  for (const int rate : {22050, 32000, 44100, 48000, 96000}) {
    for (const double hz : {100.0, 1000.0, 3400.0, 5000.0, 6000.0, 7000.0}) {
      EXPECT_NEAR(LevelDb(Resample(Tone(hz, rate, 1), rate)), 0, test::kResamplerPassbandDb)
          << hz << " Hz at " << rate;
    }
    for (const double hz : {8500.0, 9000.0, 10000.0, 12000.0, 15000.0}) {
      if (hz < rate / 2.0) {
        EXPECT_LT(LevelDb(Resample(Tone(hz, rate, 1), rate)), test::kResamplerStopbandDb)
            << hz << " Hz at " << rate;
      }
    }
  }
}

TEST(Resampler, UpsamplingKeepsToneAndPhase) {
  for (const int rate : {8000, 11025, 12000}) {
    const auto output = Resample(Tone(1000, rate, 1), rate);
    const auto expected = Tone(1000, kSampleRateHz, 1);
    ASSERT_EQ(output.size(), expected.size());
    for (size_t i = 1600; i < 14400; ++i)
      ASSERT_NEAR(output[i], expected[i], test::kResamplerToneAbs) << rate << " " << i;
  }
}

TEST(Resampler, HasNoDelay) {
  for (const int rate : {8000, 22050, 44100, 48000}) {
    const auto output = Resample(Tone(440, rate, 1), rate);
    const auto expected = Tone(440, kSampleRateHz, 1);
    ASSERT_EQ(output.size(), expected.size());
    for (size_t i = 1600; i < 14400; ++i)
      ASSERT_NEAR(output[i], expected[i], test::kResamplerToneAbs) << rate << " " << i;
  }
}

TEST(Resampler, EqualRatePassesBitsUnchanged) {
  std::vector<float> input;
  for (int x = -32768; x < 32768; x += 7) input.push_back(static_cast<float>(x) / 32768);
  EXPECT_EQ(Resample(input, kSampleRateHz), input);
}

TEST(Resampler, CountIsExactAndResultIndependentOfThePieces) {
  std::mt19937_64 random(test::PropertySeed());
  for (const int rate : {8000, 11025, 16000, 44100, 48000, 192000}) {
    auto resampler = Resampler::Create(rate);
    ASSERT_TRUE(resampler.ok());
    for (const size_t count :
         {size_t{0}, size_t{1}, size_t{2}, size_t{63}, size_t{300}, size_t{rate + random() % 5000}}) {
      std::vector<float> input(count);
      for (float& x : input) x = static_cast<float>(static_cast<double>(random() % 20001) / 10000 - 1);
      const std::vector<float> whole = Resample(input, rate);
      ASSERT_EQ(static_cast<int64_t>(whole.size()),
                Resampler::OutputCount(static_cast<int64_t>(count), rate));
      std::vector<float> pieces;  // the same object again and again: Finish must leave nothing behind
      for (size_t done = 0; done < count;) {
        const size_t length = std::min<size_t>(count - done, 1 + random() % 2000);
        resampler->Push(std::span(input).subspan(done, length), &pieces);
        done += length;
      }
      resampler->Finish(&pieces);
      ASSERT_EQ(pieces, whole) << rate << " Hz, " << count << " samples";
    }
  }
}

TEST(Resampler, BadRatesAreRefused) {
  EXPECT_FALSE(Resampler::Create(0).ok());
  EXPECT_FALSE(Resampler::Create(-1).ok());
}

}  // namespace
}  // namespace skald
