#include "frontend/features/feature_options.h"

#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

namespace skald {
namespace {

TEST(FeatureOptionsTest, PresetsAreValidAndDiffer) {
  EXPECT_TRUE(WhisperLogMelOptions().Validate().ok());
  EXPECT_TRUE(KaldiFbankOptions().Validate().ok());
  EXPECT_TRUE(KaldiMfccOptions().Validate().ok());
  EXPECT_EQ(WhisperLogMelOptions().bins(), 80);
  EXPECT_EQ(KaldiFbankOptions().bins(), 80);
  EXPECT_EQ(KaldiMfccOptions().bins(), 13);
  EXPECT_EQ(KaldiFbankOptions(), KaldiFbankOptions());
  EXPECT_NE(KaldiFbankOptions(), KaldiMfccOptions());
  FeatureOptions with_energy = KaldiFbankOptions();
  with_energy.use_energy = true;
  EXPECT_EQ(with_energy.bins(), 81);
  EXPECT_NE(with_energy, KaldiFbankOptions());
}

struct BadCase {
  const char* field;
  FeatureOptions options;
  std::function<void(FeatureOptions&)> spoil;
};

class FeatureOptionsBadValueTest : public testing::TestWithParam<BadCase> {};

TEST_P(FeatureOptionsBadValueTest, IsRefusedByName) {
  FeatureOptions options = GetParam().options;
  ASSERT_TRUE(options.Validate().ok());
  GetParam().spoil(options);
  const Status status = options.Validate();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.reason(),
              testing::HasSubstr(std::string("feature option ") + GetParam().field + " is "));
}

INSTANTIATE_TEST_SUITE_P(
    All, FeatureOptionsBadValueTest,
    testing::Values(
        BadCase{"frame_length_samples", KaldiFbankOptions(), [](auto& o) { o.frame_length_samples = 1; }},
        BadCase{"frame_shift_samples", KaldiFbankOptions(), [](auto& o) { o.frame_shift_samples = 0; }},
        BadCase{"fft_size", KaldiFbankOptions(), [](auto& o) { o.fft_size = 256; }},
        BadCase{"fft_size", KaldiFbankOptions(), [](auto& o) { o.fft_size = 405; }},
        BadCase{"fft_size", KaldiFbankOptions(), [](auto& o) { o.fft_size = 1 << 20; }},
        BadCase{"fft_size", WhisperLogMelOptions(), [](auto& o) { o.fft_size = 512; }},
        BadCase{"minimum_samples", WhisperLogMelOptions(), [](auto& o) { o.minimum_samples = 200; }},
        BadCase{"mel_bins", WhisperLogMelOptions(), [](auto& o) { o.mel_bins = 0; }},
        BadCase{"mel_bins", WhisperLogMelOptions(), [](auto& o) { o.mel_bins = 129; }},
        BadCase{"low_hz", WhisperLogMelOptions(), [](auto& o) { o.low_hz = -1; }},
        BadCase{"low_hz", WhisperLogMelOptions(),
                [](auto& o) { o.low_hz = std::numeric_limits<double>::quiet_NaN(); }},
        BadCase{"high_hz", WhisperLogMelOptions(), [](auto& o) { o.high_hz = 8001; }},
        BadCase{"high_hz", KaldiFbankOptions(), [](auto& o) { o.high_hz = -7990; }},
        BadCase{"preemphasis", KaldiFbankOptions(), [](auto& o) { o.preemphasis = 1.5; }},
        BadCase{"energy_floor", KaldiFbankOptions(), [](auto& o) { o.energy_floor = -1; }},
        BadCase{"cepstra", KaldiMfccOptions(), [](auto& o) { o.cepstra = 24; }},
        BadCase{"cepstral_lifter", KaldiMfccOptions(), [](auto& o) { o.cepstral_lifter = -22; }}));

TEST(FeatureOptionsTest, LargePrimeFactorIsUnsupported) {
  FeatureOptions options = KaldiFbankOptions();
  options.fft_size = 406;  // 2 * 7 * 29
  EXPECT_EQ(options.Validate().code(), StatusCode::kUnsupported);
}

}  // namespace
}  // namespace skald
