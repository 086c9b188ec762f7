#include "models/layers/cpu/striding_subsampling.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

#include "layers/layer_reference.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

struct Case {
  CpuStridingSubsampling::Sizes sizes;
  AffineWeights first;
  std::vector<AffineWeights> depthwise, pointwise;
  AffineWeights projection;
};

Case RandomCase(std::mt19937_64* random) {
  Case c;
  c.sizes = {.bins = test::PickOne({8, 16, 24, 80}, random),
             .channels = test::PickOne({16, 32, 48}, random),
             .outputs = test::PickOne({1, 17, 64, 80}, random)};
  const int64_t channels = c.sizes.channels;
  const auto taps = [&] {
    return AffineWeights{test::RandomValues(9 * channels, 0.4f, random),
                         test::RandomValues(channels, 0.3f, random)};
  };
  c.first = taps();
  for (int stage = 0; stage < 2; ++stage) {
    c.depthwise.push_back(taps());
    c.pointwise.push_back(test::RandomAffine(channels, channels, random));
  }
  c.projection = test::RandomAffine(c.sizes.outputs, c.sizes.bins / 8 * channels, random);
  return c;
}

/// Windows of lengths around the strides and tiles.
std::vector<int64_t> RandomWindows(std::mt19937_64* random) {
  std::vector<int64_t> window_frames;
  for (size_t windows = 1 + (*random)() % 4; windows > 0; --windows) {
    window_frames.push_back(
        test::PickOne<int64_t>({0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 64, 65, 127, 130}, random));
  }
  return window_frames;
}

struct Batch {
  std::vector<int64_t> window_frames;
  std::vector<float> values;  ///< rows of bins, and of 3 more columns that are not features
  FeatureView features;
};

Batch RandomBatch(const std::vector<int64_t>& window_frames, int64_t bins, std::mt19937_64* random) {
  Batch batch{.window_frames = window_frames, .values = {}, .features = {}};
  const int64_t rows = std::accumulate(window_frames.begin(), window_frames.end(), int64_t{0});
  batch.values = test::RandomValues(rows * (bins + 3), 1.0f, random);
  batch.features = FeatureView(batch.values.data(), rows, bins, bins + 3);
  return batch;
}

/// One window while it is computed: [frames, bins, channels].
struct Activations {
  int64_t frames, bins, channels;
  std::vector<double> values;

  double At(int64_t frame, int64_t bin, int64_t channel) const {
    if (frame < 0 || frame >= frames || bin < 0 || bin >= bins) return 0;
    return values[static_cast<size_t>((frame * bins + bin) * channels + channel)];
  }
};

/// 3 x 3 with stride 2, zeros outside: of the one input channel where there is one, else channel by channel.
Activations Convolve(const Activations& x, const AffineWeights& weights, int64_t channels) {
  Activations y{(x.frames + 1) / 2, (x.bins + 1) / 2, channels, {}};
  for (int64_t frame = 0; frame < y.frames; ++frame) {
    for (int64_t bin = 0; bin < y.bins; ++bin) {
      for (int64_t channel = 0; channel < channels; ++channel) {
        double sum = weights.bias[static_cast<size_t>(channel)];
        for (int64_t tap = 0; tap < 9; ++tap) {
          sum += weights.weight[static_cast<size_t>(tap * channels + channel)] *
                 x.At(2 * frame + tap / 3 - 1, 2 * bin + tap % 3 - 1, x.channels == 1 ? 0 : channel);
        }
        y.values.push_back(sum);
      }
    }
  }
  return y;
}

void Rectify(std::vector<double>* values) {
  for (double& value : *values) value = std::max(value, 0.0);
}

/// The outputs of all windows in f64.
std::vector<double> Reference(const Case& c, const Batch& batch) {
  std::vector<double> output;
  int64_t begin = 0;
  for (const int64_t frames : batch.window_frames) {
    Activations x{frames, c.sizes.bins, 1, {}};
    for (int64_t frame = begin; frame < begin + frames; ++frame) {
      const std::span<const float> row = batch.features.Row(frame);
      x.values.insert(x.values.end(), row.begin(), row.end());
    }
    x = Convolve(x, c.first, c.sizes.channels);
    Rectify(&x.values);
    for (size_t stage = 0; stage < 2; ++stage) {
      x = Convolve(x, c.depthwise[stage], c.sizes.channels);
      x.values = test::Affine(c.pointwise[stage], x.values, c.sizes.channels);
      Rectify(&x.values);
    }
    const std::vector<double> rows = test::Affine(c.projection, x.values, x.bins * x.channels);
    output.insert(output.end(), rows.begin(), rows.end());
    begin += frames;
  }
  return output;
}

int64_t OutputRows(const std::vector<int64_t>& window_frames) {
  int64_t rows = 0;
  for (const int64_t frames : window_frames) rows += (frames + 7) / 8;
  return rows;
}

std::unique_ptr<CpuStridingSubsampling> MakeLayer(const Case& c, TileTeam* team) {
  return CpuStridingSubsampling::Create(c.sizes, c.first, c.depthwise, c.pointwise, c.projection, team)
      .value();
}

std::vector<float> Subsample(const Case& c, const Batch& batch, CpuStridingSubsampling* layer,
                             TileTeam* team) {
  const int64_t rows = OutputRows(batch.window_frames);
  std::vector<float> output(static_cast<size_t>(PaddedRows(rows) * c.sizes.outputs));
  EXPECT_TRUE(layer->Run(batch.features, batch.window_frames, output.data(), team).ok());
  output.resize(static_cast<size_t>(rows * c.sizes.outputs));
  return output;
}

TEST(CpuStridingSubsampling, EqualsTheDefinition) {
  std::mt19937_64 random(test::PropertySeed());
  for (int round = 0; round < 12; ++round) {
    const Case c = RandomCase(&random);
    TileTeam team(1 + round % 3);
    const std::unique_ptr<CpuStridingSubsampling> layer = MakeLayer(c, &team);
    // The second batch finds what the first one left.
    for (int pass = 0; pass < 2; ++pass) {
      const Batch batch = RandomBatch(RandomWindows(&random), c.sizes.bins, &random);
      const std::vector<double> expected = Reference(c, batch);
      const std::vector<float> output = Subsample(c, batch, layer.get(), &team);
      ASSERT_EQ(output.size(), expected.size());
      for (size_t i = 0; i < output.size(); ++i) {
        ASSERT_NEAR(output[i], expected[i], test::kLayerF32Abs)
            << "round " << round << ": bins " << c.sizes.bins << ", channels " << c.sizes.channels
            << ", outputs " << c.sizes.outputs << ", element " << i;
      }
    }
  }
}

TEST(CpuStridingSubsampling, AWindowsBitsDoNotDependOnItsBatchOrThreads) {
  std::mt19937_64 random(test::PropertySeed());
  for (int round = 0; round < 6; ++round) {
    const Case c = RandomCase(&random);
    TileTeam one(1), three(3);
    const std::unique_ptr<CpuStridingSubsampling> layer = MakeLayer(c, &one), shared = MakeLayer(c, &three);
    const Batch batch = RandomBatch(RandomWindows(&random), c.sizes.bins, &random);
    const std::vector<float> together = Subsample(c, batch, shared.get(), &three);
    int64_t first = 0, first_output = 0;
    for (const int64_t frames : batch.window_frames) {
      Batch alone;
      alone.window_frames = {frames};
      alone.features = batch.features.Rows(first, frames);
      const std::vector<float> output = Subsample(c, alone, layer.get(), &one);
      EXPECT_TRUE(std::equal(output.begin(), output.end(), together.begin() + first_output))
          << "window of " << frames;
      first += frames;
      first_output += static_cast<int64_t>(output.size());
    }
    EXPECT_EQ(first_output, static_cast<int64_t>(together.size()));
  }
}

TEST(CpuStridingSubsamplingDeathTest, ShapesThatDoNotFitAreErrorsOfTheCaller) {
  std::mt19937_64 random(test::PropertySeed());
  const Case c = RandomCase(&random);
  const auto refuses = [&](const char* reason, const auto& change) {
    Case changed = c;
    change(&changed);
    EXPECT_DEATH(
        {
          TileTeam team(1);
          MakeLayer(changed, &team);
        },
        reason);
  };
  refuses("bins are a multiple of 8", [](Case* changed) { changed->sizes.bins += 4; });
  refuses("channels are a multiple of 16", [](Case* changed) { changed->sizes.channels += 8; });
  refuses("9 taps", [](Case* changed) { changed->first.weight.pop_back(); });
  refuses("9 taps", [](Case* changed) { changed->depthwise[1].bias.pop_back(); });
  refuses("two", [](Case* changed) { changed->depthwise.pop_back(); });
  refuses("two", [](Case* changed) { changed->pointwise.pop_back(); });
  refuses("pointwise", [](Case* changed) { changed->pointwise[0].weight.pop_back(); });
  refuses("projection", [](Case* changed) { changed->sizes.outputs += 1; });
}

}  // namespace
}  // namespace skald
