#include "models/layers/cpu/striding_subsampling.h"

#include <utility>

#include "base/check.h"

namespace skald {
namespace {

void CheckTaps(const AffineWeights& weights, size_t channels) {
  SKALD_CHECK(weights.weight.size() == 9 * channels && weights.bias.size() == channels, "[9 taps, channels]");
}

}  // namespace

CpuStridingSubsampling::CpuStridingSubsampling(const Sizes& sizes, AffineWeights first,
                                               std::vector<AffineWeights> depthwise)
    : sizes_(sizes),
      simd_(CpuKernels()),
      first_(std::move(first)),
      depthwise_(std::move(depthwise)),
      zeros_(static_cast<size_t>(sizes.channels), 0.0f) {}

StatusOr<std::unique_ptr<CpuStridingSubsampling>> CpuStridingSubsampling::Create(
    const Sizes& sizes, AffineWeights first, std::vector<AffineWeights> depthwise,
    const std::vector<AffineWeights>& pointwise, const AffineWeights& projection, TileTeam* team) {
  const auto bins = static_cast<size_t>(sizes.bins), channels = static_cast<size_t>(sizes.channels);
  SKALD_CHECK(bins % 8 == 0, "bins are a multiple of 8");
  SKALD_CHECK(channels % 16 == 0, "channels are a multiple of 16");
  SKALD_CHECK(depthwise.size() == 2 && pointwise.size() == 2, "two convolutions are depthwise");
  for (const AffineWeights* weights : {&first, &depthwise[0], &depthwise[1]}) CheckTaps(*weights, channels);
  for (const AffineWeights& weights : pointwise) {
    SKALD_CHECK(weights.weight.size() == channels * channels, "pointwise [channels, channels]");
  }
  SKALD_CHECK(projection.weight.size() == static_cast<size_t>(sizes.outputs) * (bins / 8) * channels,
              "projection [outputs, bins / 8 * channels]");
  auto layer = std::unique_ptr<CpuStridingSubsampling>(
      new CpuStridingSubsampling(sizes, std::move(first), std::move(depthwise)));
  const CpuLinear::Options relu{
      .precision = CpuPrecision::kF32, .activation = Activation::kRelu, .workers = team->size()};
  for (const AffineWeights& weights : pointwise) {
    SKALD_ASSIGN_OR_RETURN(CpuLinear linear, MakeCpuLinear(weights, sizes.channels, relu));
    team->Prepare(sizes.channels, sizes.channels, {&linear});
    layer->pointwise_.push_back(std::move(linear));
  }
  const CpuLinear::Options plain{.precision = CpuPrecision::kF32, .workers = team->size()};
  SKALD_ASSIGN_OR_RETURN(CpuLinear linear, MakeCpuLinear(projection, sizes.bins / 8 * sizes.channels, plain));
  team->Prepare(sizes.channels, sizes.outputs, {&linear});
  layer->projection_.push_back(std::move(linear));
  return layer;
}

Status CpuStridingSubsampling::Run(FeatureView features, std::span<const int64_t> window_feature_frames,
                                   float* output, TileTeam* team) {
  for (std::vector<int64_t>& starts : starts_) starts.assign(1, 0);
  for (int64_t frames : window_feature_frames) {
    for (std::vector<int64_t>& starts : starts_) {
      starts.push_back(starts.back() + frames);
      frames = (frames + 1) / 2;
    }
  }
  for (int stage = 0; stage < 3; ++stage) {
    // Tiles are of rows of channels in the products, and of frames in the last one.
    const int64_t frame_width = int64_t{sizes_.bins >> (stage + 1)} * sizes_.channels;
    GrowRows(&stages_[stage], starts_[stage + 1].back() + 1, frame_width);
  }
  SKALD_RETURN_IF_ERROR(FirstConvolution(features, team));
  SKALD_RETURN_IF_ERROR(DepthwiseStage(1, team));
  SKALD_RETURN_IF_ERROR(DepthwiseStage(2, team));
  const int64_t inputs = int64_t{sizes_.bins / 8} * sizes_.channels;
  return team->ForTiles(starts_[3].back(), [&](int worker, TileScratch* scratch, int64_t first, int64_t) {
    return projection_[0].Run(worker, stages_[2].data() + first * inputs, output + first * sizes_.outputs,
                              &scratch->linear);
  });
}

Status CpuStridingSubsampling::FirstConvolution(FeatureView features, TileTeam* team) {
  const int64_t bins = sizes_.bins / 2, width = bins * sizes_.channels;
  return team->ForTiles(starts_[1].back(), [&](int, TileScratch*, int64_t first, int64_t rows) {
    size_t window = WindowOf(starts_[1], first);
    for (int64_t row = first; row < first + rows; ++row) {
      while (starts_[1][window + 1] <= row) ++window;
      const int64_t begin = starts_[0][window], end = starts_[0][window + 1];
      const int64_t centre = begin + 2 * (row - starts_[1][window]);
      float* out = stages_[0].data() + row * width;
      for (int64_t bin = 0; bin < bins; ++bin, out += sizes_.channels) {
        float taps[9];
        for (int64_t tap = 0; tap < 9; ++tap) {
          const int64_t frame = centre - 1 + tap / 3, source_bin = 2 * bin - 1 + tap % 3;
          const bool inside = frame >= begin && frame < end && source_bin >= 0 && source_bin < sizes_.bins;
          taps[tap] = inside ? features(frame, source_bin) : 0.0f;
        }
        simd_.expand_taps(taps, 1, 0, 9, first_.weight.data(), first_.bias.data(), sizes_.channels, out);
      }
      simd_.relu(stages_[0].data() + row * width, width);
    }
    return Status::Ok();
  });
}

Status CpuStridingSubsampling::DepthwiseStage(int stage, TileTeam* team) {
  const int64_t channels = sizes_.channels, input_bins = sizes_.bins >> stage, bins = input_bins / 2;
  const std::vector<int64_t>&from = starts_[stage], &to = starts_[stage + 1];
  const float* input = stages_[stage - 1].data();
  const AffineWeights& weights = depthwise_[static_cast<size_t>(stage) - 1];
  // A row is one bin of one frame.
  return team->ForTiles(to.back() * bins, [&](int worker, TileScratch* scratch, int64_t first, int64_t rows) {
    size_t window = WindowOf(to, first / bins);
    float* out = scratch->narrow.data();
    for (int64_t row = first; row < first + rows; ++row, out += channels) {
      const int64_t frame = row / bins, bin = row % bins;
      while (to[window + 1] <= frame) ++window;
      const int64_t centre = from[window] + 2 * (frame - to[window]);
      const float* taps[9];
      for (int64_t tap = 0; tap < 9; ++tap) {
        const int64_t source = centre - 1 + tap / 3, source_bin = 2 * bin - 1 + tap % 3;
        const bool inside =
            source >= from[window] && source < from[window + 1] && source_bin >= 0 && source_bin < input_bins;
        taps[tap] = inside ? input + (source * input_bins + source_bin) * channels : zeros_.data();
      }
      simd_.depthwise(taps, 9, weights.weight.data(), weights.bias.data(), channels, out);
    }
    return pointwise_[static_cast<size_t>(stage) - 1].Run(
        worker, scratch->narrow.data(), stages_[stage].data() + first * channels, &scratch->linear);
  });
}

}  // namespace skald
