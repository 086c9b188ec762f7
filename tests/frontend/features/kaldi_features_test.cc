#include <cmath>
#include <gtest/gtest.h>
#include <vector>

#include "frontend/features/feature_extractor.h"
#include "support/npy.h"
#include "support/test_environment.h"
#include "support/tolerances.h"
#include "support/wav_file.h"

// Golden files of kaldi-native-fbank; golden/make_golden.py states the same options in Kaldi's words.

namespace skald {
namespace {

FeatureOptions FbankDefault() { return KaldiFbankOptions(); }

FeatureOptions FbankOptions() {
  FeatureOptions options = KaldiFbankOptions();
  options.mel_bins = 40;
  options.low_hz = 64;
  options.high_hz = -400;
  options.snip_edges = false;
  options.window = WindowShape::kHamming;
  options.preemphasis = 0.9;
  options.use_energy = true;
  return options;
}

FeatureOptions FbankEnergyLast() {
  FeatureOptions options = KaldiFbankOptions();
  options.mel_bins = 23;
  options.fft_size = 400;
  options.window = WindowShape::kHann;
  options.remove_dc_offset = false;
  options.use_energy = true;
  options.raw_energy = false;
  options.htk_compatible = true;
  options.energy_floor = 1e9;
  return options;
}

FeatureOptions MfccDefault() { return KaldiMfccOptions(); }

FeatureOptions MfccOptions() {
  FeatureOptions options = KaldiMfccOptions();
  options.mel_bins = 40;
  options.high_hz = 7600;
  options.cepstra = 20;
  options.snip_edges = false;
  options.window = WindowShape::kRectangular;
  options.use_energy = false;
  options.cepstral_lifter = 0;
  return options;
}

FeatureOptions MfccHtk() {
  FeatureOptions options = KaldiMfccOptions();
  options.window = WindowShape::kBlackman;
  options.use_energy = false;
  options.htk_compatible = true;
  return options;
}

struct GoldenCase {
  const char* file;
  FeatureOptions (*options)();
};

class KaldiFeaturesTest : public testing::TestWithParam<GoldenCase> {};

TEST_P(KaldiFeaturesTest, EqualsKaldiNativeFbank) {
  const std::string folder = test::ProjectPath("tests/frontend/features/golden/");
  const std::vector<float> samples = test::ReadWavFile(folder + "speech.wav");
  const auto golden = test::ReadNpy(folder + GetParam().file + ".npy");
  ASSERT_TRUE(golden.ok()) << golden.status().ToString();
  const auto extractor = FeatureExtractor::Create(GetParam().options());
  ASSERT_TRUE(extractor.ok()) << extractor.status().ToString();
  const int64_t frames = extractor->FrameCount(static_cast<int64_t>(samples.size()));
  ASSERT_EQ(golden->shape, (std::vector<int64_t>{frames, extractor->bins()}));
  std::vector<float> features(golden->values.size());
  extractor->Run(samples, MatrixView<float>(features.data(), frames, extractor->bins()));
  double worst = 0;
  for (size_t i = 0; i < features.size(); ++i) {
    ASSERT_TRUE(std::isfinite(features[i]));
    worst = std::max<double>(worst, std::abs(features[i] - golden->values[i]));
  }
  EXPECT_LE(worst, test::kKaldiFeatureAbs);
  RecordProperty("max_abs_error", std::to_string(worst));
}

INSTANTIATE_TEST_SUITE_P(
    Golden, KaldiFeaturesTest,
    testing::Values(GoldenCase{"fbank_default", FbankDefault}, GoldenCase{"fbank_options", FbankOptions},
                    GoldenCase{"fbank_energy_last", FbankEnergyLast}, GoldenCase{"mfcc_default", MfccDefault},
                    GoldenCase{"mfcc_options", MfccOptions}, GoldenCase{"mfcc_htk", MfccHtk}),
    [](const auto& test_info) { return std::string(test_info.param.file); });

}  // namespace
}  // namespace skald
