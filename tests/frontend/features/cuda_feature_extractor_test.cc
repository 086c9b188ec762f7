#include "frontend/features/cuda_feature_extractor.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "base/cuda/device_buffer.h"
#include "frontend/features/feature_extractor.h"
#include "frontend/features/synthetic_voice.h"
#include "support/npy.h"
#include "support/test_environment.h"
#include "support/tolerances.h"
#include "support/wav_file.h"

namespace skald {
namespace {

using Rows = std::vector<float>;  // features of one window, [frames, bins]

/// One preset, or a variation of it that takes other branches of the kernel.
struct Variant {
  std::string name;
  FeatureOptions options;
};

void PrintTo(const Variant& variant, std::ostream* out) { *out << variant.name; }

std::vector<Variant> Variants() {
  FeatureOptions mirrored = KaldiFbankOptions();
  mirrored.snip_edges = false;
  mirrored.use_energy = true;
  FeatureOptions energy_last = KaldiFbankOptions();
  energy_last.fft_size = 400;
  energy_last.mel_bins = 23;
  energy_last.window = WindowShape::kHamming;
  energy_last.remove_dc_offset = false;
  energy_last.use_energy = true;
  energy_last.raw_energy = false;
  energy_last.htk_compatible = true;
  FeatureOptions cepstra = KaldiMfccOptions();
  cepstra.use_energy = false;
  cepstra.snip_edges = false;
  FeatureOptions wide = WhisperLogMelOptions();  // a shift that is odd, a large transform, all bins
  wide.frame_length_samples = wide.fft_size = 512;
  wide.frame_shift_samples = 171;
  wide.mel_bins = 128;
  FeatureOptions normalised = WaveformOptions();
  normalised.normalise_samples = true;
  normalised.minimum_samples = 400;
  return {{"nemo", NemoLogMelOptions()},       {"waveform", WaveformOptions()},
          {"waveform_normalised", normalised}, {"whisper", WhisperLogMelOptions()},
          {"fbank", KaldiFbankOptions()},      {"mfcc", KaldiMfccOptions()},
          {"fbank_mirrored", mirrored},        {"fbank_energy_last", energy_last},
          {"mfcc_cepstra", cepstra},           {"whisper_wide", wide}};
}

/// Whether bins are scaled to variance 1 over so few frames that one may hardly vary.
bool ScaledOverFewFrames(const FeatureOptions& options, int64_t frames) {
  constexpr int64_t kFewFrames = 8;
  return options.kind == FeatureKind::kNemoLogMel && frames < kFewFrames;
}

double Tolerance(const FeatureOptions& options, int64_t frames) {
  if (options.kind == FeatureKind::kWhisperLogMel || options.kind == FeatureKind::kWaveform)
    return test::kLogMelAbs;
  if (ScaledOverFewFrames(options, frames)) return test::kScaledFeatureAbs;
  return options.kind == FeatureKind::kKaldiMfcc ? test::kCepstraBetweenDevicesAbs : test::kKaldiFeatureAbs;
}

class CudaFeatureExtractorTest : public testing::TestWithParam<Variant> {
 protected:
  void SetUp() override {
    if (CudaDeviceCount() == 0) GTEST_SKIP() << "no CUDA device";
    stream_.emplace(std::move(CudaStream::Create(0)).value());
  }
  DeviceContext context() const { return stream_->context(); }

  /// Features of packed windows, split by window, from device memory that is full of NaN before.
  template <typename Sample>
  std::vector<Rows> Extract(CudaFeatureExtractor& extractor, const std::vector<Sample>& packed,
                            const std::vector<PackedWindow>& windows) {
    const int64_t frames = extractor.FrameCount(windows), stride = extractor.bins() + 3;
    Rows host(static_cast<size_t>(frames * stride), std::numeric_limits<float>::quiet_NaN());
    auto samples = std::move(DeviceBuffer<Sample>::Create(packed.size(), "test samples")).value();
    auto features = std::move(DeviceBuffer<float>::Create(host.size(), "test features")).value();
    Check(samples.CopyFrom(context(), packed));
    Check(features.CopyFrom(context(), host));
    Check(extractor.Run(context(), std::span<const Sample>(samples.data(), samples.size()), windows,
                        MatrixView<float>(features.data(), frames, extractor.bins(), stride)));
    Check(features.CopyTo(context(), host));
    Check(stream_->Synchronize());
    std::vector<Rows> split;
    int64_t row = 0;
    for (const PackedWindow& window : windows) {
      Rows rows;
      for (const int64_t end = row + extractor.FrameCount(window.samples); row < end; ++row) {
        rows.insert(rows.end(), host.begin() + row * stride, host.begin() + row * stride + extractor.bins());
        for (int64_t i = extractor.bins(); i < stride; ++i) EXPECT_TRUE(std::isnan(host[row * stride + i]));
      }
      split.push_back(std::move(rows));
    }
    return split;
  }

  static void Check(const Status& status) { ASSERT_TRUE(status.ok()) << status.ToString(); }

  CudaFeatureExtractor MakeExtractor(const FeatureOptions& options, int max_windows, int64_t max_samples) {
    CudaFeatureExtractor extractor = std::move(CudaFeatureExtractor::Create(context(), options)).value();
    Check(extractor.Setup(context(), max_windows, max_samples));
    return extractor;
  }

  std::optional<CudaStream> stream_;
};

Rows OnCpu(const FeatureOptions& options, PcmView samples) {
  const FeatureExtractor extractor = std::move(FeatureExtractor::Create(options)).value();
  const int64_t frames = extractor.FrameCount(static_cast<int64_t>(samples.size()));
  Rows rows(static_cast<size_t>(frames * extractor.bins()));
  extractor.Run(samples, MatrixView<float>(rows.data(), frames, extractor.bins()));
  return rows;
}

/// moved: [bins] differences that are allowed beside the tolerance; empty: none.
void ExpectNear(const Rows& rows, const Rows& expected, double tolerance, const std::string& what,
                const Rows& moved = {}) {
  ASSERT_EQ(rows.size(), expected.size()) << what;
  double worst = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    ASSERT_TRUE(std::isfinite(rows[i])) << what << ", value " << i;
    const float allowed = moved.empty() ? 0 : moved[i % moved.size()];
    worst = std::max<double>(worst, std::abs(rows[i] - expected[i]) - allowed);
  }
  EXPECT_LE(worst, tolerance) << what;
}

/// [bins] What changes of the samples by a few roundings move each bin by. In windows of a few frames a bin
/// that hardly varies and is scaled to variance 1 moves far, and as far between devices.
Rows MovedByRounding(const FeatureOptions& options, PcmView samples, std::mt19937_64& random) {
  const Rows before = OnCpu(options, samples);
  Rows moved(static_cast<size_t>(std::move(FeatureExtractor::Create(options)).value().bins()));
  std::uniform_real_distribution<float> factor(1 - 1e-6f, 1 + 1e-6f);
  for (int trial = 0; trial < 3; ++trial) {
    std::vector<float> changed(samples.begin(), samples.end());
    for (float& sample : changed) sample *= factor(random);
    const Rows after = OnCpu(options, changed);
    for (size_t i = 0; i < after.size(); ++i) {
      float& most = moved[i % moved.size()];
      most = std::max(most, std::abs(after[i] - before[i]));
    }
  }
  return moved;
}

TEST_P(CudaFeatureExtractorTest, AgreesWithTheCpuOnRaggedBatches) {
  std::mt19937_64 random(test::PropertySeed());
  std::vector<PackedWindow> windows;
  int64_t total = 0;
  for (int64_t length : {0, 1, 159, 160, 479, 0, 480, 481, 399, 400, 401, 7777, 80, 5519, 5520, 5521}) {
    windows.push_back({total, length});
    total += length;
  }
  std::vector<float> packed = test::SyntheticVoice(random, static_cast<size_t>(total));
  // Rounding is large in bins that are weak beside others and, where each is scaled to variance 1, in those
  // that hardly vary: noise makes no bin so.
  const float level = GetParam().options.kind == FeatureKind::kNemoLogMel ? 0.1f : 0.01f;
  std::uniform_real_distribution<float> noise(-level, level);
  for (float& sample : packed) sample += noise(random);
  windows.push_back({3, 9000});  // overlaps others
  CudaFeatureExtractor extractor = MakeExtractor(GetParam().options, 20, total + 9000);
  const std::vector<Rows> results = Extract(extractor, packed, windows);
  for (size_t w = 0; w < windows.size(); ++w) {
    const PcmView samples = PcmView(packed).subspan(windows[w].first_sample, windows[w].samples);
    const int64_t frames = extractor.FrameCount(windows[w].samples);
    const FeatureOptions& options = GetParam().options;
    ExpectNear(results[w], OnCpu(options, samples), Tolerance(options, frames),
               std::to_string(windows[w].samples) + " samples",
               ScaledOverFewFrames(options, frames) ? MovedByRounding(options, samples, random) : Rows());
  }
}

TEST_P(CudaFeatureExtractorTest, BatchMatesAndOrderDoNotChangeABit) {
  std::mt19937_64 random(test::PropertySeed());
  const std::vector<float> packed = test::SyntheticVoice(random, 12000);
  std::vector<PackedWindow> windows;
  for (int i = 0; i < 6; ++i) {
    const auto first = static_cast<int64_t>(random() % packed.size());
    windows.push_back({first, static_cast<int64_t>(random() % (packed.size() - first))});
  }
  CudaFeatureExtractor extractor = MakeExtractor(GetParam().options, 6, 80000);
  const std::vector<Rows> together = Extract(extractor, packed, windows);
  std::vector<size_t> order(windows.size());
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), random);
  std::vector<PackedWindow> shuffled;
  for (size_t i : order) shuffled.push_back(windows[i]);
  const std::vector<Rows> in_order = Extract(extractor, packed, shuffled);
  for (size_t i = 0; i < order.size(); ++i) EXPECT_EQ(in_order[i], together[order[i]]);
  for (size_t i = 0; i < windows.size(); ++i) {
    EXPECT_EQ(Extract(extractor, packed, {windows[i]})[0], together[i]);
  }
}

TEST_P(CudaFeatureExtractorTest, SixteenBitSamplesGiveTheSameBits) {
  std::mt19937_64 random(test::PropertySeed());
  std::vector<int16_t> integers;
  std::vector<float> floats;
  for (float value : test::SyntheticVoice(random, 3000)) {
    integers.push_back(static_cast<int16_t>(std::lround(value * 32767)));
    floats.push_back(static_cast<float>(integers.back()) / 32768.0f);
  }
  integers[5] = -32768;
  floats[5] = -1;
  CudaFeatureExtractor extractor = MakeExtractor(GetParam().options, 1, 3000);
  EXPECT_EQ(Extract(extractor, integers, {{0, 3000}}), Extract(extractor, floats, {{0, 3000}}));
}

TEST_P(CudaFeatureExtractorTest, SamplesThatAreNoNumbersCountAsSilence) {
  std::mt19937_64 random(test::PropertySeed());
  const float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> clean = test::SyntheticVoice(random, 2000);
  std::vector<float> spoiled = clean;
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity, 3e38f, -40000.0f}) {
    const size_t position = random() % clean.size();
    spoiled[position] = bad;
    clean[position] = 0;
  }
  CudaFeatureExtractor extractor = MakeExtractor(GetParam().options, 1, 2000);
  const auto expected = Extract(extractor, clean, {{0, 2000}});
  EXPECT_EQ(Extract(extractor, spoiled, {{0, 2000}}), expected);
}

INSTANTIATE_TEST_SUITE_P(All, CudaFeatureExtractorTest, testing::ValuesIn(Variants()),
                         [](const auto& test_info) { return test_info.param.name; });

class CudaLogMelTest : public CudaFeatureExtractorTest {};

TEST_P(CudaLogMelTest, EqualsTheGoldenFilesAndThirtySeconds) {
  std::vector<float> packed;
  std::vector<PackedWindow> windows;
  const std::vector<std::string> names = {"short", "jfk", "long15"};
  for (const std::string& name : names) {
    const auto samples = test::ReadWavFile(test::ProjectPath("models/en-base/golden/" + name + ".wav"));
    windows.push_back({static_cast<int64_t>(packed.size()), static_cast<int64_t>(samples.size())});
    packed.insert(packed.end(), samples.begin(), samples.end());
  }
  packed.resize(480000);
  windows.push_back({0, 480000});
  CudaFeatureExtractor extractor = MakeExtractor(GetParam().options, 4, 2 * 480000);
  const std::vector<Rows> results = Extract(extractor, packed, windows);
  for (size_t n = 0; n < names.size(); ++n) {
    const auto golden = test::ReadNpy(test::ProjectPath("models/en-base/golden/" + names[n] + ".mel.npy"));
    ASSERT_TRUE(golden.ok()) << golden.status().ToString();
    const int64_t frames = golden->shape[1];
    Rows transposed;
    for (int64_t frame = 0; frame < frames; ++frame) {
      for (int64_t bin = 0; bin < 80; ++bin) transposed.push_back(golden->values[bin * frames + frame]);
    }
    ExpectNear(results[n], transposed, test::kLogMelAbs, names[n]);
  }
  ExpectNear(results[3], OnCpu(GetParam().options, packed), test::kLogMelAbs, "30 s");
}

TEST_P(CudaLogMelTest, ManyRunsMayBeQueued) {
  std::mt19937_64 random(test::PropertySeed());
  const std::vector<float> packed = test::SyntheticVoice(random, 4000);
  CudaFeatureExtractor extractor = MakeExtractor(GetParam().options, 2, 4000);
  auto samples = std::move(DeviceBuffer<float>::Create(packed.size(), "test samples")).value();
  Check(samples.CopyFrom(context(), packed));
  std::vector<DeviceBuffer<float>> outputs;
  std::vector<PackedWindow> windows;
  for (int64_t run = 0; run < 11; ++run) {
    windows.push_back({run * 100, 1000 + run * 150});
    const int64_t frames = extractor.FrameCount(windows.back().samples);
    outputs.push_back(std::move(DeviceBuffer<float>::Create(frames * 80, "test features")).value());
    Check(extractor.Run(context(), std::span<const float>(samples.data(), samples.size()),
                        {&windows.back(), 1}, MatrixView<float>(outputs.back().data(), frames, 80)));
  }
  for (size_t run = 0; run < outputs.size(); ++run) {
    Rows rows(outputs[run].size());
    Check(outputs[run].CopyTo(context(), rows));
    Check(stream_->Synchronize());
    const PcmView window = PcmView(packed).subspan(windows[run].first_sample, windows[run].samples);
    ExpectNear(rows, OnCpu(GetParam().options, window), test::kLogMelAbs, "run " + std::to_string(run));
  }
}

TEST_P(CudaLogMelTest, RefusesWhatDoesNotFit) {
  CudaFeatureExtractor extractor =
      std::move(CudaFeatureExtractor::Create(context(), GetParam().options)).value();
  auto samples = std::move(DeviceBuffer<float>::Create(1000, "test samples")).value();
  auto features = std::move(DeviceBuffer<float>::Create(80 * 100, "test features")).value();
  const auto run = [&](std::vector<PackedWindow> windows) {
    const MatrixView<float> view(features.data(), extractor.FrameCount(windows), 80);
    return extractor.Run(context(), std::span<const float>(samples.data(), 1000), windows, view).code();
  };
  EXPECT_EQ(run({{0, 500}}), StatusCode::kInvalidArgument);  // before Setup
  EXPECT_EQ(extractor.Setup(context(), 0, 100).code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(extractor.Setup(context(), 2, 1000).ok());
  EXPECT_EQ(run({{0, 100}, {100, 100}, {200, 100}}), StatusCode::kInvalidArgument);  // too many windows
  EXPECT_EQ(run({{0, 600}, {0, 600}}), StatusCode::kInvalidArgument);                // too many samples
  EXPECT_EQ(run({{600, 500}}), StatusCode::kInvalidArgument);                        // past the end
  EXPECT_EQ(run({{-1, 500}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(run({}), StatusCode::kOk);
  EXPECT_EQ(run({{1000, 0}}), StatusCode::kOk);
  FeatureOptions options = KaldiFbankOptions();
  options.fft_size = 1024;
  EXPECT_EQ(CudaFeatureExtractor::Create(context(), options).status().code(), StatusCode::kUnsupported);
  options = KaldiFbankOptions();
  options.mel_bins = 128;
  options.use_energy = true;
  EXPECT_EQ(CudaFeatureExtractor::Create(context(), options).status().code(), StatusCode::kUnsupported);
  options = KaldiFbankOptions();
  options.frame_shift_samples = 4096;
  EXPECT_EQ(CudaFeatureExtractor::Create(context(), options).status().code(), StatusCode::kUnsupported);
  options.mel_bins = 0;
  EXPECT_EQ(CudaFeatureExtractor::Create(context(), options).status().code(), StatusCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Whisper, CudaLogMelTest, testing::Values(Variant{"whisper", WhisperLogMelOptions()}),
                         [](const auto& test_info) { return test_info.param.name; });

}  // namespace
}  // namespace skald
