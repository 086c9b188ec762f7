#include "models/architectures/wav2vec2_ctc_cpu.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/stopwatch.h"

namespace skald {

Wav2Vec2CtcCpu::Wav2Vec2CtcCpu(const Wav2Vec2CtcSizes& sizes, CpuPrecision precision, int threads)
    : sizes_(sizes),
      simd_(CpuKernels()),
      team_(std::make_unique<TileTeam>(threads)),
      transformer_({.width = sizes.model_width,
                    .attention_heads = sizes.attention_heads,
                    .feed_forward_width = sizes.feed_forward_width,
                    .norm_first = sizes.norm_first,
                    .layer_norm_epsilon = sizes.layer_norm_epsilon},
                   precision, team_.get()) {}

StatusOr<std::unique_ptr<CpuNetwork>> Wav2Vec2CtcCpu::Create(const Bundle& bundle,
                                                             const std::vector<std::string>& heads,
                                                             CpuPrecision precision, int threads) {
  SKALD_ASSIGN_OR_RETURN(const WeightReader reader, WeightReader::Open(bundle));
  SKALD_ASSIGN_OR_RETURN(Wav2Vec2CtcWeights weights,
                         ReadWav2Vec2CtcWeights(reader, bundle.manifest(), heads));
  auto network = std::unique_ptr<Wav2Vec2CtcCpu>(
      new Wav2Vec2CtcCpu(std::get<Wav2Vec2CtcSizes>(bundle.manifest().sizes), precision, threads));
  SKALD_RETURN_IF_ERROR(network->BuildLayers(reader, std::move(weights), precision));
  return std::unique_ptr<CpuNetwork>(std::move(network));
}

Status Wav2Vec2CtcCpu::BuildLayers(const WeightReader& reader, Wav2Vec2CtcWeights weights,
                                   CpuPrecision precision) {
  const int width = sizes_.model_width;
  CpuLinear::Options convolution_options{.precision = WideOf(precision), .workers = team_->size()};
  if (sizes_.group_norm) convolution_options.activation = Activation::kGelu;  // else a norm comes between
  int inputs = sizes_.convolutions.front().channels;
  for (size_t i = 0; i < weights.convolutions.size(); ++i) {
    Wav2Vec2CtcWeights::Convolution& convolution = weights.convolutions[i];
    convolution_norms_.push_back(convolution.norm);
    if (i == 0) {
      first_convolution_ = std::move(convolution);
      continue;
    }
    const Wav2Vec2CtcSizes::Convolution& shape = sizes_.convolutions[i];
    const int taps = shape.kernel * inputs;
    SKALD_ASSIGN_OR_RETURN(CpuLinear linear, MakeCpuLinear(convolution.affine, taps, convolution_options));
    // The second one also holds the rows of the first that it sees.
    const int64_t first_rows = i == 1 ? (kLinearRowTile - 1) * int64_t{shape.stride} + shape.kernel : 0;
    team_->Prepare(taps, std::max<int64_t>(shape.channels, first_rows * inputs / kLinearRowTile + inputs),
                   {&linear});
    convolutions_.push_back(std::move(linear));
    inputs = shape.channels;
  }
  projection_norm_ = std::move(weights.projection_norm);
  SKALD_ASSIGN_OR_RETURN(
      CpuLinear projection,
      MakeCpuLinear(weights.projection, inputs, {.precision = precision, .workers = team_->size()}));
  team_->Prepare(std::max(inputs, width), width, {&projection});
  projection_.push_back(std::move(projection));
  position_convolution_ = std::make_unique<CpuGroupedConvolution>(
      weights.position_convolution, width, sizes_.position_kernel, sizes_.position_groups);
  encoder_norm_ = std::move(weights.encoder_norm);
  for (int layer = 0; layer < sizes_.layers; ++layer) {
    SKALD_ASSIGN_OR_RETURN(TransformerLayerWeights layer_weights,
                           ReadWav2Vec2CtcLayer(reader, sizes_, layer));
    SKALD_RETURN_IF_ERROR(transformer_.AddLayer(std::move(layer_weights)));
  }
  for (const AffineWeights& head : weights.heads) SKALD_RETURN_IF_ERROR(heads_.Add(head, width, team_.get()));
  return Status::Ok();
}

Status Wav2Vec2CtcCpu::SetWindows(FeatureView samples, std::span<const int64_t> window_samples) {
  window_samples_.clear();
  starts_.assign(sizes_.convolutions.size(), Starts(1, 0));
  frames_.clear();
  int64_t first_sample = 0;
  for (const int64_t count : window_samples) {
    window_samples_.push_back(samples.data + first_sample);
    first_sample += count;
    const bool has_scores = ScoreFrames(sizes_, count) > 0;
    int64_t rows = has_scores ? count : 0;
    for (size_t i = 0; i < starts_.size(); ++i) {
      const Wav2Vec2CtcSizes::Convolution& shape = sizes_.convolutions[i];
      rows = has_scores ? (rows - shape.kernel) / shape.stride + 1 : 0;
      starts_[i].push_back(starts_[i].back() + rows);
    }
    frames_.push_back(rows);
  }
  const bool group_norm = sizes_.group_norm;
  folded_.resize(group_norm ? window_samples.size() : 1);
  return team_->For(static_cast<int64_t>(folded_.size()), [&](int, TileScratch*, int64_t window) {
    const auto w = static_cast<size_t>(window);
    if (group_norm && frames_[w] == 0) return Status::Ok();
    const std::span<const float> values =
        group_norm ? std::span(window_samples_[w], static_cast<size_t>(window_samples[w]))
                   : std::span<const float>();
    folded_[w] = FoldGroupNorm(first_convolution_, sizes_.convolutions.front(), group_norm, values);
    return Status::Ok();
  });
}

void Wav2Vec2CtcCpu::Normalise(const NormWeights& norm, const float* input, int64_t rows, int64_t width,
                               double epsilon, float* output) const {
  simd_.layer_norm(input, rows, width, norm.gain.data(), norm.bias.data(), static_cast<float>(epsilon),
                   output);
}

void Wav2Vec2CtcCpu::FirstConvolution(size_t window, int64_t first, int64_t count, float* output) const {
  const Wav2Vec2CtcSizes::Convolution& shape = sizes_.convolutions.front();
  const FoldedConvolution& folded = folded_[sizes_.group_norm ? window : 0];
  simd_.expand_taps(window_samples_[window] + first * shape.stride, count, shape.stride, shape.kernel,
                    folded.weight.data(), folded.bias.data(), shape.channels, output);
  if (!sizes_.group_norm) {
    Normalise(convolution_norms_[0], output, count, shape.channels, kWav2Vec2ConvolutionEpsilon, output);
  }
  simd_.gelu(output, count * shape.channels);
}

Status Wav2Vec2CtcCpu::Convolve(size_t stage, const std::vector<float>& input, std::vector<float>* output) {
  const Wav2Vec2CtcSizes::Convolution& shape = sizes_.convolutions[stage];
  const int64_t inputs = sizes_.convolutions[stage - 1].channels, taps = shape.kernel * inputs;
  const Starts &from = starts_[stage - 1], &to = starts_[stage];
  GrowRows(output, to.back(), shape.channels);
  return team_->ForTiles(
      to.back(), [&](int worker, TileScratch* scratch, int64_t first, int64_t rows) -> Status {
        float* tap = scratch->narrow.data();
        for (int64_t row = first; row < first + rows;) {
          const size_t window = WindowOf(to, row);
          const int64_t count = std::min(first + rows, to[window + 1]) - row;
          const int64_t first_input = (row - to[window]) * shape.stride;
          const float* source = input.data() + (from[window] + first_input) * inputs;
          if (stage == 1) {
            FirstConvolution(window, first_input, (count - 1) * shape.stride + shape.kernel,
                             scratch->wide.data());
            source = scratch->wide.data();
          }
          for (int64_t i = 0; i < count; ++i, tap += taps, source += shape.stride * inputs) {
            std::memcpy(tap, source, sizeof(float) * static_cast<size_t>(taps));
          }
          row += count;
        }
        float* result = output->data() + first * shape.channels;
        SKALD_RETURN_IF_ERROR(
            convolutions_[stage - 1].Run(worker, scratch->narrow.data(), result, &scratch->linear));
        if (!sizes_.group_norm) {
          Normalise(convolution_norms_[stage], result, rows, shape.channels, kWav2Vec2ConvolutionEpsilon,
                    result);
          simd_.gelu(result, rows * shape.channels);
        }
        return Status::Ok();
      });
}

Status Wav2Vec2CtcCpu::Project(const std::vector<float>& input) {
  const int64_t inputs = sizes_.convolutions.back().channels, rows = starts_.back().back();
  GrowRows(&x_, rows, sizes_.model_width);
  return team_->ForTiles(rows, [&](int worker, TileScratch* scratch, int64_t first, int64_t) -> Status {
    const float* tile = input.data() + first * inputs;
    if (sizes_.projection_norm) {
      Normalise(projection_norm_, tile, kLinearRowTile, inputs, sizes_.layer_norm_epsilon,
                scratch->narrow.data());
      tile = scratch->narrow.data();
    }
    return projection_[0].Run(worker, tile, x_.data() + first * sizes_.model_width, &scratch->linear);
  });
}

Status Wav2Vec2CtcCpu::Run(FeatureView features, std::span<const int64_t> window_feature_frames,
                           std::span<const MatrixView<float>> nll_per_head) {
  if (features.stride != 1) return Status::InvalidArgument("samples must be contiguous");
  Stopwatch convolution_watch;
  SKALD_RETURN_IF_ERROR(SetWindows(features, window_feature_frames));
  const int64_t rows = starts_.back().back();
  for (size_t stage = 1; stage < sizes_.convolutions.size(); ++stage) {
    SKALD_RETURN_IF_ERROR(Convolve(stage, convolved_[stage % 2], &convolved_[(stage + 1) % 2]));
  }
  SKALD_RETURN_IF_ERROR(Project(convolved_[sizes_.convolutions.size() % 2]));
  SKALD_RETURN_IF_ERROR(position_convolution_->Run(frames_, x_.data(), team_.get()));
  if (!sizes_.norm_first) {
    SKALD_RETURN_IF_ERROR(team_->ForTiles(rows, [&](int, TileScratch*, int64_t first, int64_t count) {
      float* tile = x_.data() + first * sizes_.model_width;
      Normalise(encoder_norm_, tile, count, sizes_.model_width, sizes_.layer_norm_epsilon, tile);
      return Status::Ok();
    }));
  }
  timing_.convolution_s += convolution_watch.Seconds();
  transformer_.Begin(frames_);
  for (int layer = 0; layer < transformer_.layers(); ++layer) {
    SKALD_RETURN_IF_ERROR(transformer_.RunLayer(layer, x_.data(), &timing_));
  }
  Stopwatch heads_watch;
  SKALD_RETURN_IF_ERROR(heads_.Run(x_.data(), rows, sizes_.norm_first ? &encoder_norm_ : nullptr,
                                   sizes_.layer_norm_epsilon, nll_per_head, team_.get()));
  timing_.heads_s += heads_watch.Seconds();
  return Status::Ok();
}

}  // namespace skald
