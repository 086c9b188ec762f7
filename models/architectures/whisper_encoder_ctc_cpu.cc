#include "models/architectures/whisper_encoder_ctc_cpu.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/stopwatch.h"

namespace skald {

WhisperEncoderCtcCpu::WhisperEncoderCtcCpu(const WhisperEncoderCtcSizes& sizes, CpuPrecision precision,
                                           int threads)
    : sizes_(sizes),
      team_(std::make_unique<TileTeam>(threads)),
      transformer_({.width = sizes.model_width,
                    .attention_heads = sizes.attention_heads,
                    .feed_forward_width = sizes.feed_forward_width,
                    .norm_first = true,
                    .layer_norm_epsilon = sizes.layer_norm_epsilon},
                   precision, team_.get()) {}

StatusOr<std::unique_ptr<CpuNetwork>> WhisperEncoderCtcCpu::Create(const Bundle& bundle,
                                                                   const std::vector<std::string>& heads,
                                                                   CpuPrecision precision, int threads) {
  SKALD_ASSIGN_OR_RETURN(WhisperEncoderCtcWeights weights, ReadWhisperEncoderCtcWeights(bundle, heads));
  auto network = std::unique_ptr<WhisperEncoderCtcCpu>(new WhisperEncoderCtcCpu(
      std::get<WhisperEncoderCtcSizes>(bundle.manifest().sizes), precision, threads));
  SKALD_RETURN_IF_ERROR(network->BuildLayers(std::move(weights), precision));
  return std::unique_ptr<CpuNetwork>(std::move(network));
}

Status WhisperEncoderCtcCpu::BuildLayers(WhisperEncoderCtcWeights weights, CpuPrecision precision) {
  CpuLinear::Options f32{
      .precision = CpuPrecision::kF32, .activation = Activation::kGelu, .workers = team_->size()};
  CpuLinear::Options wide = f32;
  wide.precision = WideOf(precision);
  SKALD_ASSIGN_OR_RETURN(CpuLinear convolution_1,
                         MakeCpuLinear(weights.convolution_1, 3 * sizes_.feature_bins, f32));
  SKALD_ASSIGN_OR_RETURN(CpuLinear convolution_2,
                         MakeCpuLinear(weights.convolution_2, 3 * sizes_.model_width, wide));
  team_->Prepare(3 * std::max(sizes_.model_width, sizes_.feature_bins), sizes_.model_width,
                 {&convolution_1, &convolution_2});
  convolutions_.push_back(std::move(convolution_1));
  convolutions_.push_back(std::move(convolution_2));
  for (TransformerLayerWeights& layer : weights.layers) {
    SKALD_RETURN_IF_ERROR(transformer_.AddLayer(std::move(layer)));
    layer = {};  // the f32 copy is not needed any more
  }
  for (const AffineWeights& head : weights.heads) {
    SKALD_RETURN_IF_ERROR(heads_.Add(head, sizes_.model_width, team_.get()));
  }
  positions_ = std::move(weights.positions);
  final_norm_ = std::move(weights.final_norm);
  return Status::Ok();
}

void WhisperEncoderCtcCpu::SetWindows(std::span<const int64_t> window_feature_frames) {
  feature_starts_.assign(1, 0);
  starts_.assign(1, 0);
  frames_.clear();
  for (const int64_t feature_frames : window_feature_frames) {
    feature_starts_.push_back(feature_starts_.back() + feature_frames);
    frames_.push_back((feature_frames + 1) / 2);
    starts_.push_back(starts_.back() + frames_.back());
  }
  GrowRows(&convolved_, feature_starts_.back(), sizes_.model_width);
  GrowRows(&x_, starts_.back(), sizes_.model_width);
}

Status WhisperEncoderCtcCpu::Run(FeatureView features, std::span<const int64_t> window_feature_frames,
                                 std::span<const MatrixView<float>> nll_per_head) {
  SetWindows(window_feature_frames);
  Stopwatch convolution_watch;
  SKALD_RETURN_IF_ERROR(Convolve1(features));
  SKALD_RETURN_IF_ERROR(Convolve2());
  timing_.convolution_s += convolution_watch.Seconds();
  transformer_.Begin(frames_);
  for (int layer = 0; layer < transformer_.layers(); ++layer) {
    SKALD_RETURN_IF_ERROR(transformer_.RunLayer(layer, x_.data(), &timing_));
    if (sizes_.pool_after_layer == layer) PoolPairs();
  }
  Stopwatch heads_watch;
  SKALD_RETURN_IF_ERROR(heads_.Run(x_.data(), starts_.back(), &final_norm_, sizes_.layer_norm_epsilon,
                                   nll_per_head, team_.get()));
  timing_.heads_s += heads_watch.Seconds();
  return Status::Ok();
}

Status WhisperEncoderCtcCpu::Convolve1(FeatureView features) {
  const auto bins = static_cast<size_t>(sizes_.feature_bins);
  return team_->ForTiles(
      feature_starts_.back(), [&](int index, TileScratch* scratch, int64_t first, int64_t rows) {
        size_t window = WindowOf(feature_starts_, first);
        float* taps = scratch->narrow.data();
        std::memset(taps, 0, sizeof(float) * kLinearRowTile * 3 * bins);
        for (int64_t row = first; row < first + rows; ++row) {
          while (feature_starts_[window + 1] <= row) ++window;
          for (int64_t tap = row - 1; tap <= row + 1; ++tap, taps += bins) {
            if (tap < feature_starts_[window] || tap >= feature_starts_[window + 1]) continue;
            std::memcpy(taps, features.Row(tap).data(), sizeof(float) * bins);
          }
        }
        return convolutions_[0].Run(index, scratch->narrow.data(),
                                    convolved_.data() + first * sizes_.model_width, &scratch->linear);
      });
}

Status WhisperEncoderCtcCpu::Convolve2() {
  const int64_t width = sizes_.model_width;
  return team_->ForTiles(
      starts_.back(), [&, width](int index, TileScratch* scratch, int64_t first, int64_t rows) -> Status {
        const size_t first_window = WindowOf(starts_, first);
        size_t window = first_window;
        float* taps = scratch->narrow.data();
        std::memset(taps, 0, sizeof(float) * kLinearRowTile * 3 * static_cast<size_t>(width));
        for (int64_t row = first; row < first + rows; ++row) {
          while (starts_[window + 1] <= row) ++window;
          const int64_t begin = feature_starts_[window], end = feature_starts_[window + 1];
          const int64_t centre = begin + 2 * (row - starts_[window]);
          const int64_t low = std::max(centre - 1, begin), high = std::min(centre + 2, end);
          std::memcpy(taps + (low - centre + 1) * width, convolved_.data() + low * width,
                      sizeof(float) * static_cast<size_t>((high - low) * width));
          taps += 3 * width;
        }
        float* x = x_.data() + first * width;
        SKALD_RETURN_IF_ERROR(convolutions_[1].Run(index, scratch->narrow.data(), x, &scratch->linear));
        window = first_window;
        for (int64_t row = first; row < first + rows; ++row, x += width) {
          while (starts_[window + 1] <= row) ++window;
          const float* position = positions_.data() + (row - starts_[window]) * width;
          for (int64_t i = 0; i < width; ++i) x[i] += position[i];
        }
        return Status::Ok();
      });
}

void WhisperEncoderCtcCpu::PoolPairs() {
  const int64_t width = sizes_.model_width;
  int64_t written = 0;
  // Rows move towards the front only, so one pass in place is enough.
  for (size_t window = 0; window < frames_.size(); ++window) {
    const float* from = x_.data() + starts_[window] * width;
    const int64_t frames = frames_[window];
    starts_[window] = written;
    for (int64_t frame = 0; frame < frames; frame += 2, from += 2 * width, ++written) {
      float* to = x_.data() + written * width;
      const float* second = frame + 1 < frames ? from + width : from;
      for (int64_t i = 0; i < width; ++i) to[i] = 0.5f * (from[i] + second[i]);
    }
    frames_[window] = (frames + 1) / 2;
  }
  starts_.back() = written;
  transformer_.Begin(frames_);
}

}  // namespace skald
