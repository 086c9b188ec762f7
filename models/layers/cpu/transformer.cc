#include "models/layers/cpu/transformer.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/stopwatch.h"

namespace skald {

CpuTransformer::CpuTransformer(const Sizes& sizes, CpuPrecision precision, TileTeam* team)
    : sizes_(sizes),
      precision_(precision),
      simd_(CpuKernels()),
      team_(team),
      attention_(sizes.attention_heads, sizes.width / sizes.attention_heads, team->size()) {
  SKALD_CHECK(sizes.width % sizes.attention_heads == 0, "attention_heads divide width");
}

Status CpuTransformer::AddLayer(TransformerLayerWeights weights) {
  CpuLinear::Options plain{.precision = precision_, .workers = team_->size()};
  CpuLinear::Options gelu = plain, accumulate = plain, wide_accumulate = plain;
  gelu.activation = Activation::kGelu;
  accumulate.accumulate = wide_accumulate.accumulate = true;
  wide_accumulate.precision = WideOf(precision_);
  const int width = sizes_.width;
  SKALD_ASSIGN_OR_RETURN(CpuLinear query_key_value, MakeCpuLinear(weights.query_key_value, width, plain));
  SKALD_ASSIGN_OR_RETURN(CpuLinear attention_output,
                         MakeCpuLinear(weights.attention_output, width, accumulate));
  SKALD_ASSIGN_OR_RETURN(CpuLinear feed_forward_1, MakeCpuLinear(weights.feed_forward_1, width, gelu));
  SKALD_ASSIGN_OR_RETURN(CpuLinear feed_forward_2,
                         MakeCpuLinear(weights.feed_forward_2, sizes_.feed_forward_width, wide_accumulate));
  team_->Prepare(width, std::max(3 * width, sizes_.feed_forward_width),
                 {&query_key_value, &attention_output, &feed_forward_1, &feed_forward_2});
  layers_.push_back({std::move(weights.attention_norm), std::move(weights.feed_forward_norm),
                     std::move(query_key_value), std::move(attention_output), std::move(feed_forward_1),
                     std::move(feed_forward_2)});
  return Status::Ok();
}

void CpuTransformer::Begin(std::span<const int64_t> window_frames) {
  rows_ = 0;
  for (const int64_t frames : window_frames) rows_ += frames;
  GrowRows(&attended_, rows_, sizes_.width);
  attention_.Begin(window_frames);
}

Status CpuTransformer::RunLayer(int layer, float* x, NetworkTiming* timing) {
  Layer& at = layers_[static_cast<size_t>(layer)];
  Stopwatch linear_watch;
  SKALD_RETURN_IF_ERROR(AttentionInputs(at, x));
  timing->linear_s += linear_watch.Seconds();
  Stopwatch attention_watch;
  attention_.Run(team_->team(), attended_.data());
  timing->attention_s += attention_watch.Seconds();
  Stopwatch after_watch;
  SKALD_RETURN_IF_ERROR(AfterAttention(at, x));
  timing->linear_s += after_watch.Seconds();
  return Status::Ok();
}

void CpuTransformer::Normalise(const NormWeights& norm, const float* input, float* output) const {
  simd_.layer_norm(input, kLinearRowTile, sizes_.width, norm.gain.data(), norm.bias.data(),
                   static_cast<float>(sizes_.layer_norm_epsilon), output);
}

Status CpuTransformer::AttentionInputs(Layer& layer, const float* x) {
  return team_->ForTiles(rows_, [&](int worker, TileScratch* scratch, int64_t first, int64_t rows) -> Status {
    const float* input = x + first * sizes_.width;
    if (sizes_.norm_first) {
      Normalise(layer.attention_norm, input, scratch->narrow.data());
      input = scratch->narrow.data();
    }
    SKALD_RETURN_IF_ERROR(layer.query_key_value.Run(worker, input, scratch->wide.data(), &scratch->linear));
    attention_.Pack(first, rows, scratch->wide.data());
    return Status::Ok();
  });
}

Status CpuTransformer::AfterAttention(Layer& layer, float* x) {
  return team_->ForTiles(rows_, [&](int worker, TileScratch* scratch, int64_t first, int64_t) -> Status {
    float* tile = x + first * sizes_.width;
    const float* hidden_input = tile;
    SKALD_RETURN_IF_ERROR(
        layer.attention_output.Run(worker, attended_.data() + first * sizes_.width, tile, &scratch->linear));
    if (sizes_.norm_first) {
      Normalise(layer.feed_forward_norm, tile, scratch->narrow.data());
      hidden_input = scratch->narrow.data();
    } else {
      Normalise(layer.attention_norm, tile, tile);
    }
    SKALD_RETURN_IF_ERROR(
        layer.feed_forward_1.Run(worker, hidden_input, scratch->wide.data(), &scratch->linear));
    SKALD_RETURN_IF_ERROR(layer.feed_forward_2.Run(worker, scratch->wide.data(), tile, &scratch->linear));
    if (!sizes_.norm_first) Normalise(layer.feed_forward_norm, tile, tile);
    return Status::Ok();
  });
}

}  // namespace skald
