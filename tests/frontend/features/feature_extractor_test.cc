#include "frontend/features/feature_extractor.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "frontend/features/reference_features.h"
#include "frontend/features/synthetic_voice.h"
#include "support/npy.h"
#include "support/test_environment.h"
#include "support/tolerances.h"
#include "support/wav_file.h"

namespace skald {
namespace {

FeatureExtractor MakeExtractor(const FeatureOptions& options) {
  return std::move(FeatureExtractor::Create(options)).value();
}

std::vector<float> Extract(const FeatureExtractor& extractor, PcmView samples) {
  const auto frames = extractor.FrameCount(static_cast<int64_t>(samples.size()));
  std::vector<float> values(static_cast<size_t>(frames * extractor.bins()), -12345.0f);
  extractor.Run(samples, MatrixView<float>(values.data(), frames, extractor.bins()));
  return values;
}

class GoldenLogMelTest : public testing::TestWithParam<const char*> {};

TEST_P(GoldenLogMelTest, EqualsTheFileBesideTheModel) {
  const std::string stem = test::ProjectPath(std::string("models/en-base/golden/") + GetParam());
  const std::vector<float> samples = test::ReadWavFile(stem + ".wav");
  const auto golden = test::ReadNpy(stem + ".mel.npy");
  ASSERT_TRUE(golden.ok()) << golden.status().ToString();
  const FeatureExtractor extractor = MakeExtractor(WhisperLogMelOptions());
  const int64_t frames = extractor.FrameCount(static_cast<int64_t>(samples.size()));
  ASSERT_EQ(golden->shape, (std::vector<int64_t>{80, frames}));
  const std::vector<float> features = Extract(extractor, samples);
  double worst = 0;
  for (int64_t frame = 0; frame < frames; ++frame) {
    for (int64_t bin = 0; bin < 80; ++bin) {
      worst = std::max<double>(worst,
                               std::abs(features[frame * 80 + bin] - golden->values[bin * frames + frame]));
    }
  }
  EXPECT_LE(worst, test::kLogMelAbs);
  RecordProperty("max_abs_error", std::to_string(worst));
}

INSTANTIATE_TEST_SUITE_P(EnBase, GoldenLogMelTest, testing::Values("short", "jfk", "long15"));

void ExpectNearReference(const FeatureOptions& options, PcmView samples, double tolerance) {
  const FeatureExtractor extractor = MakeExtractor(options);
  const std::vector<float> features = Extract(extractor, samples);
  const auto expected = test::ReferenceFeatures(options, samples);
  ASSERT_EQ(static_cast<size_t>(extractor.FrameCount(static_cast<int64_t>(samples.size()))), expected.size());
  double worst = 0;
  for (size_t frame = 0; frame < expected.size(); ++frame) {
    for (size_t bin = 0; bin < expected[frame].size(); ++bin) {
      worst =
          std::max(worst, std::abs(features[frame * expected[frame].size() + bin] - expected[frame][bin]));
    }
  }
  EXPECT_LE(worst, tolerance) << samples.size() << " samples, fft_size " << options.fft_size;
}

TEST(FeatureExtractorTest, WhisperEqualsTheSlowReferenceForEveryLength) {
  std::mt19937_64 random(test::PropertySeed());
  for (size_t length :
       {0, 1, 2, 159, 160, 161, 199, 200, 201, 399, 400, 479, 480, 481, 639, 640, 2719, 7777}) {
    ExpectNearReference(WhisperLogMelOptions(), test::SyntheticVoice(random, length), test::kLogMelAbs);
  }
}

TEST(FeatureExtractorTest, FbankEqualsTheSlowReferenceForEveryLengthAndTransform) {
  std::mt19937_64 random(test::PropertySeed());
  for (bool snip_edges : {true, false}) {
    for (size_t length : {0, 1, 79, 80, 81, 399, 400, 401, 560, 5000}) {
      FeatureOptions options = KaldiFbankOptions();
      options.snip_edges = snip_edges;
      ExpectNearReference(options, test::SyntheticVoice(random, length), test::kKaldiFeatureAbs);
    }
  }
  for (int fft_size : {2, 4, 6, 10, 30, 50, 54, 64, 128, 250, 480, 1024, 1200, 2048}) {
    FeatureOptions options = KaldiFbankOptions();
    options.fft_size = fft_size;
    options.frame_length_samples = fft_size;
    options.frame_shift_samples = std::max(1, fft_size / 3);
    options.mel_bins = 5;
    ExpectNearReference(options, test::SyntheticVoice(random, static_cast<size_t>(fft_size) * 3),
                        test::kKaldiFeatureAbs);
  }
}

TEST(FeatureExtractorTest, FrameCounts) {
  const FeatureExtractor whisper = MakeExtractor(WhisperLogMelOptions());
  EXPECT_EQ(whisper.FrameCount(0), 0);  // nothing said, nothing returned
  for (int64_t samples : {1, 159, 160, 479, 480, 481, 639})
    EXPECT_EQ(whisper.FrameCount(samples), 3) << samples;
  EXPECT_EQ(whisper.FrameCount(640), 4);
  EXPECT_EQ(whisper.FrameCount(480000), 3000);
  EXPECT_DOUBLE_EQ(whisper.frame_shift_s(), 0.01);
  FeatureOptions options = KaldiFbankOptions();
  const FeatureExtractor snipped = MakeExtractor(options);
  EXPECT_EQ(snipped.FrameCount(399), 0);
  EXPECT_EQ(snipped.FrameCount(400), 1);
  EXPECT_EQ(snipped.FrameCount(16000), 98);
  options.snip_edges = false;
  const FeatureExtractor mirrored = MakeExtractor(options);
  EXPECT_EQ(mirrored.FrameCount(0), 0);
  EXPECT_EQ(mirrored.FrameCount(79), 0);
  EXPECT_EQ(mirrored.FrameCount(80), 1);
  EXPECT_EQ(mirrored.FrameCount(16000), 100);
}

TEST(FeatureExtractorTest, SilenceIsTheFloor) {
  const FeatureExtractor extractor = MakeExtractor(WhisperLogMelOptions());
  for (float value : Extract(extractor, std::vector<float>(1000)))
    EXPECT_NEAR(value, -1.5, 1e-6);  // (-10 + 4) / 4
}

TEST(FeatureExtractorTest, SamplesThatAreNoNumbersCountAsSilence) {
  std::mt19937_64 random(test::PropertySeed());
  const float kInfinity = std::numeric_limits<float>::infinity();
  for (const FeatureOptions& options : {WhisperLogMelOptions(), KaldiFbankOptions(), KaldiMfccOptions()}) {
    const FeatureExtractor extractor = MakeExtractor(options);
    std::vector<float> clean = test::SyntheticVoice(random, 3000);
    std::vector<float> spoiled = clean;
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity, 3e38f, -40000.0f}) {
      const size_t position = random() % clean.size();
      spoiled[position] = bad;
      clean[position] = 0;
    }
    EXPECT_EQ(Extract(extractor, spoiled), Extract(extractor, clean));
    for (float value : Extract(extractor, std::vector<float>(2000, 32768.0f)))
      EXPECT_TRUE(std::isfinite(value));
  }
}

TEST(FeatureExtractorTest, StridedOutputAndThreadsGiveTheSameBits) {
  std::mt19937_64 random(test::PropertySeed());
  const FeatureExtractor extractor = MakeExtractor(WhisperLogMelOptions());
  const std::vector<float> samples = test::SyntheticVoice(random, 9999);
  const std::vector<float> expected = Extract(extractor, samples);
  const int64_t frames = extractor.FrameCount(9999), stride = 96;
  std::vector<std::thread> threads;
  std::vector<std::vector<float>> results(4, std::vector<float>(frames * stride, 7.0f));
  for (auto& result : results) {
    threads.emplace_back(
        [&] { extractor.Run(samples, MatrixView<float>(result.data(), frames, 80, stride)); });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& result : results) {
    for (int64_t i = 0; i < frames * stride; ++i) {
      const bool inside = i % stride < 80;
      ASSERT_EQ(result[i], inside ? expected[i / stride * 80 + i % stride] : 7.0f);
    }
  }
}

TEST(FeatureExtractorTest, FramesOfFbankDependOnTheirOwnSamplesOnly) {
  std::mt19937_64 random(test::PropertySeed());
  const FeatureExtractor extractor = MakeExtractor(KaldiFbankOptions());
  const std::vector<float> samples = test::SyntheticVoice(random, 16000);
  const std::vector<float> all = Extract(extractor, samples);
  for (int64_t frame = 0; frame < extractor.FrameCount(16000); ++frame) {
    const auto one = Extract(extractor, PcmView(samples).subspan(frame * 160, 400));
    ASSERT_EQ(one, std::vector<float>(all.begin() + frame * 80, all.begin() + (frame + 1) * 80)) << frame;
  }
}

TEST(FeatureExtractorTest, RefusesInvalidOptions) {
  FeatureOptions options;
  options.mel_bins = -1;
  EXPECT_EQ(FeatureExtractor::Create(options).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace skald
