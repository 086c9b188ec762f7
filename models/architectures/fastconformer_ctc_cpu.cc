#include "models/architectures/fastconformer_ctc_cpu.h"

#include <algorithm>
#include <utility>

#include "base/stopwatch.h"

namespace skald {
namespace {

constexpr int64_t kKeyBlock = 64;  ///< of RelativePositions::keys

}  // namespace

FastConformerCtcCpu::FastConformerCtcCpu(const FastConformerCtcSizes& sizes, int threads)
    : sizes_(sizes),
      simd_(CpuKernels()),
      team_(std::make_unique<TileTeam>(threads)),
      attention_(sizes.attention_heads, sizes.model_width / sizes.attention_heads, threads),
      no_frame_(static_cast<size_t>(sizes.model_width), 0.0f) {}

StatusOr<std::unique_ptr<CpuNetwork>> FastConformerCtcCpu::Create(const Bundle& bundle,
                                                                  const std::vector<std::string>& heads,
                                                                  CpuPrecision precision, int threads) {
  SKALD_ASSIGN_OR_RETURN(const WeightReader reader, WeightReader::Open(bundle));
  SKALD_ASSIGN_OR_RETURN(FastConformerCtcWeights weights,
                         ReadFastConformerCtcWeights(reader, bundle.manifest(), heads));
  auto network = std::unique_ptr<FastConformerCtcCpu>(
      new FastConformerCtcCpu(std::get<FastConformerCtcSizes>(bundle.manifest().sizes), threads));
  SKALD_RETURN_IF_ERROR(network->BuildLayers(reader, std::move(weights), precision));
  return std::unique_ptr<CpuNetwork>(std::move(network));
}

Status FastConformerCtcCpu::BuildLayers(const WeightReader& reader, FastConformerCtcWeights weights,
                                        CpuPrecision precision) {
  SKALD_ASSIGN_OR_RETURN(subsampling_, CpuStridingSubsampling::Create(
                                           {.bins = sizes_.feature_bins,
                                            .channels = sizes_.subsampling_channels,
                                            .outputs = sizes_.model_width},
                                           std::move(weights.first_convolution), std::move(weights.depthwise),
                                           weights.pointwise, weights.projection, team_.get()));
  for (int index = 0; index < sizes_.layers; ++index) {
    SKALD_ASSIGN_OR_RETURN(FastConformerLayerWeights layer_weights,
                           ReadFastConformerLayer(reader, sizes_, index));
    SKALD_ASSIGN_OR_RETURN(Layer layer, BuildLayer(std::move(layer_weights), precision));
    layers_.push_back(std::move(layer));
  }
  for (const AffineWeights& head : weights.heads) {
    SKALD_RETURN_IF_ERROR(heads_.Add(head, sizes_.model_width, team_.get()));
  }
  return Status::Ok();
}

StatusOr<FastConformerCtcCpu::FeedForward> FastConformerCtcCpu::BuildFeedForward(NormWeights norm,
                                                                                 const AffineWeights& in,
                                                                                 const AffineWeights& out,
                                                                                 CpuPrecision precision) {
  CpuLinear::Options swish{
      .precision = precision, .activation = Activation::kSwish, .workers = team_->size()};
  CpuLinear::Options accumulate{.precision = WideOf(precision), .accumulate = true, .workers = team_->size()};
  SKALD_ASSIGN_OR_RETURN(CpuLinear first, MakeCpuLinear(in, sizes_.model_width, swish));
  SKALD_ASSIGN_OR_RETURN(CpuLinear second, MakeCpuLinear(out, sizes_.feed_forward_width, accumulate));
  team_->Prepare(sizes_.model_width, sizes_.feed_forward_width, {&first, &second});
  return FeedForward{std::move(norm), std::move(first), std::move(second)};
}

StatusOr<FastConformerCtcCpu::Layer> FastConformerCtcCpu::BuildLayer(FastConformerLayerWeights weights,
                                                                     CpuPrecision precision) {
  const int width = sizes_.model_width;
  const CpuLinear::Options plain{.precision = precision, .workers = team_->size()};
  const CpuLinear::Options f32{.precision = CpuPrecision::kF32, .workers = team_->size()};
  CpuLinear::Options accumulate = plain, wide_accumulate = plain;
  accumulate.accumulate = wide_accumulate.accumulate = true;
  wide_accumulate.precision = WideOf(precision);
  SKALD_ASSIGN_OR_RETURN(FeedForward feed_forward_1,
                         BuildFeedForward(std::move(weights.feed_forward_norm_1), weights.feed_forward_1_in,
                                          weights.feed_forward_1_out, precision));
  SKALD_ASSIGN_OR_RETURN(CpuLinear query_key_value, MakeCpuLinear(weights.query_key_value, width, plain));
  SKALD_ASSIGN_OR_RETURN(CpuLinear attention_output,
                         MakeCpuLinear(weights.attention_output, width, accumulate));
  SKALD_ASSIGN_OR_RETURN(CpuLinear position, MakeCpuLinear(weights.position, width, f32));
  SKALD_ASSIGN_OR_RETURN(CpuLinear pointwise_1, MakeCpuLinear(weights.pointwise_1, width, plain));
  SKALD_ASSIGN_OR_RETURN(CpuLinear pointwise_2, MakeCpuLinear(weights.pointwise_2, width, wide_accumulate));
  SKALD_ASSIGN_OR_RETURN(FeedForward feed_forward_2,
                         BuildFeedForward(std::move(weights.feed_forward_norm_2), weights.feed_forward_2_in,
                                          weights.feed_forward_2_out, precision));
  team_->Prepare(width, 3 * width,
                 {&query_key_value, &attention_output, &position, &pointwise_1, &pointwise_2});
  RelativePositions positions;
  positions.content_bias = std::move(weights.content_bias);
  positions.position_bias = std::move(weights.position_bias);
  return Layer{std::move(feed_forward_1),
               std::move(weights.attention_norm),
               std::move(query_key_value),
               std::move(attention_output),
               std::move(position),
               std::move(positions),
               std::move(weights.convolution_norm),
               std::move(pointwise_1),
               std::move(pointwise_2),
               std::move(weights.depthwise),
               std::move(feed_forward_2),
               std::move(weights.output_norm)};
}

Status FastConformerCtcCpu::GrowPositions(int64_t frames) {
  if (frames <= position_frames_) return Status::Ok();
  // By quarters, so that windows that grow little by little do not make new tables each time.
  position_frames_ = std::min<int64_t>(std::max(frames, position_frames_ * 5 / 4), sizes_.max_frames);
  const int64_t width = sizes_.model_width, max_position = position_frames_ - 1;
  const int64_t head_width = width / sizes_.attention_heads;
  const int64_t blocks = (2 * max_position + 1 + kKeyBlock - 1) / kKeyBlock;
  const std::vector<float> sinusoids = RelativeSinusoids(max_position, blocks * kKeyBlock, width);
  for (Layer& layer : layers_) {
    layer.positions.max_position = max_position;
    layer.positions.blocks = blocks;
    layer.positions.keys.assign(static_cast<size_t>(blocks * kKeyBlock * width), 0.0f);
  }
  static_assert(kKeyBlock == kLinearRowTile, "a tile of positions is a block of keys");
  return team_->For(
      blocks * static_cast<int64_t>(layers_.size()), [&](int worker, TileScratch* scratch, int64_t i) {
        Layer& layer = layers_[static_cast<size_t>(i / blocks)];
        const int64_t block = i % blocks;
        SKALD_RETURN_IF_ERROR(layer.position.Run(worker, sinusoids.data() + block * kKeyBlock * width,
                                                 scratch->wide.data(), &scratch->linear));
        for (int head = 0; head < sizes_.attention_heads; ++head) {
          float* keys = layer.positions.keys.data() + (head * blocks + block) * head_width * kKeyBlock;
          simd_.transpose(scratch->wide.data() + head * head_width, kKeyBlock, width, head_width, keys,
                          kKeyBlock);
        }
        return Status::Ok();
      });
}

Status FastConformerCtcCpu::Run(FeatureView features, std::span<const int64_t> window_feature_frames,
                                std::span<const MatrixView<float>> nll_per_head) {
  Stopwatch convolution_watch;
  starts_.assign(1, 0);
  frames_.clear();
  int64_t longest = 0;
  for (const int64_t feature_frames : window_feature_frames) {
    frames_.push_back(ScoreFrames(sizes_, feature_frames));
    starts_.push_back(starts_.back() + frames_.back());
    longest = std::max(longest, frames_.back());
  }
  const int64_t rows = starts_.back();
  for (std::vector<float>* buffer : {&x_, &attended_, &gated_}) GrowRows(buffer, rows, sizes_.model_width);
  SKALD_RETURN_IF_ERROR(GrowPositions(longest));
  SKALD_RETURN_IF_ERROR(subsampling_->Run(features, window_feature_frames, x_.data(), team_.get()));
  timing_.convolution_s += convolution_watch.Seconds();
  attention_.Begin(frames_, /*relative=*/true);
  for (Layer& layer : layers_) {
    Stopwatch before_watch;
    SKALD_RETURN_IF_ERROR(BeforeAttention(layer));
    timing_.linear_s += before_watch.Seconds();
    Stopwatch attention_watch;
    attention_.Run(team_->team(), attended_.data(), &layer.positions);
    timing_.attention_s += attention_watch.Seconds();
    Stopwatch after_watch;
    SKALD_RETURN_IF_ERROR(AfterAttention(layer));
    SKALD_RETURN_IF_ERROR(AfterConvolution(layer));
    timing_.linear_s += after_watch.Seconds();
  }
  Stopwatch heads_watch;
  SKALD_RETURN_IF_ERROR(heads_.Run(x_.data(), rows, nullptr, 0, nll_per_head, team_.get()));
  timing_.heads_s += heads_watch.Seconds();
  return Status::Ok();
}

void FastConformerCtcCpu::Normalise(const NormWeights& norm, const float* input, float* output) const {
  simd_.layer_norm(input, kLinearRowTile, sizes_.model_width, norm.gain.data(), norm.bias.data(),
                   static_cast<float>(kFastConformerEpsilon), output);
}

Status FastConformerCtcCpu::RunFeedForward(FeedForward& layer, int worker, TileScratch* scratch,
                                           float* x) const {
  Normalise(layer.norm, x, scratch->narrow.data());
  SKALD_RETURN_IF_ERROR(layer.in.Run(worker, scratch->narrow.data(), scratch->wide.data(), &scratch->linear));
  return layer.out.Run(worker, scratch->wide.data(), x, &scratch->linear);
}

Status FastConformerCtcCpu::BeforeAttention(Layer& layer) {
  return team_->ForTiles(starts_.back(),
                         [&](int worker, TileScratch* scratch, int64_t first, int64_t rows) -> Status {
                           float* x = x_.data() + first * sizes_.model_width;
                           SKALD_RETURN_IF_ERROR(RunFeedForward(layer.feed_forward_1, worker, scratch, x));
                           Normalise(layer.attention_norm, x, scratch->narrow.data());
                           SKALD_RETURN_IF_ERROR(layer.query_key_value.Run(
                               worker, scratch->narrow.data(), scratch->wide.data(), &scratch->linear));
                           attention_.Pack(first, rows, scratch->wide.data(), &layer.positions);
                           return Status::Ok();
                         });
}

Status FastConformerCtcCpu::AfterAttention(Layer& layer) {
  const int64_t width = sizes_.model_width;
  return team_->ForTiles(
      starts_.back(), [&](int worker, TileScratch* scratch, int64_t first, int64_t) -> Status {
        float* x = x_.data() + first * width;
        SKALD_RETURN_IF_ERROR(
            layer.attention_output.Run(worker, attended_.data() + first * width, x, &scratch->linear));
        Normalise(layer.convolution_norm, x, scratch->narrow.data());
        SKALD_RETURN_IF_ERROR(
            layer.pointwise_1.Run(worker, scratch->narrow.data(), scratch->wide.data(), &scratch->linear));
        simd_.gated(scratch->wide.data(), kLinearRowTile, width, gated_.data() + first * width);
        return Status::Ok();
      });
}

void FastConformerCtcCpu::Depthwise(const Layer& layer, int64_t first, int64_t rows, float* output) const {
  const int64_t width = sizes_.model_width, kernel = sizes_.convolution_kernel, back = (kernel - 1) / 2;
  const float* taps[256];  // kernels have at most 255
  size_t window = WindowOf(starts_, first);
  for (int64_t row = first; row < first + rows; ++row, output += width) {
    while (starts_[window + 1] <= row) ++window;
    for (int64_t tap = 0; tap < kernel; ++tap) {
      const int64_t source = row - back + tap;
      const bool inside = source >= starts_[window] && source < starts_[window + 1];
      taps[tap] = inside ? gated_.data() + source * width : no_frame_.data();
    }
    simd_.depthwise(taps, kernel, layer.depthwise.weight.data(), layer.depthwise.bias.data(), width, output);
    simd_.swish(output, width);
  }
}

Status FastConformerCtcCpu::AfterConvolution(Layer& layer) {
  return team_->ForTiles(
      starts_.back(), [&](int worker, TileScratch* scratch, int64_t first, int64_t rows) -> Status {
        float* x = x_.data() + first * sizes_.model_width;
        Depthwise(layer, first, rows, scratch->narrow.data());
        SKALD_RETURN_IF_ERROR(layer.pointwise_2.Run(worker, scratch->narrow.data(), x, &scratch->linear));
        SKALD_RETURN_IF_ERROR(RunFeedForward(layer.feed_forward_2, worker, scratch, x));
        Normalise(layer.output_norm, x, x);
        return Status::Ok();
      });
}

}  // namespace skald
