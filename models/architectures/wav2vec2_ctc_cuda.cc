#include "models/architectures/wav2vec2_ctc_cuda.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "kernels/nn/row_maps.h"
#include "kernels/nn/row_norms.h"

namespace skald {
namespace {

constexpr int64_t kBlockInts = sizeof(WaveformBlock) / sizeof(int32_t);
constexpr int64_t kWindowInts = sizeof(WaveformWindow) / sizeof(int32_t);

int64_t RoundUp(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

const float* Floats(const DeviceBuffer<std::byte>& buffer) {
  return reinterpret_cast<const float*>(buffer.data());
}

}  // namespace

Wav2Vec2CtcCuda::Wav2Vec2CtcCuda(const Wav2Vec2CtcSizes& sizes, ElementType type,
                                 const CudaNetworkLimits& limits)
    : sizes_(sizes),
      type_(type),
      limits_(limits),
      step_([&sizes] {
        int64_t step = 1;
        for (size_t i = 1; i < sizes.convolutions.size(); ++i) step *= sizes.convolutions[i].stride;
        return std::lcm(step, int64_t{kWaveformRows});
      }()),
      max_spaced_rows_(limits.feature_frames / sizes.convolutions.front().stride +
                       limits.windows * (step_ + 1)),
      max_rows_(limits.feature_frames / FeatureFramesPerScore(sizes) + 1),
      waveform_windows_(PlaceInTable(limits.windows * kWindowInts, &table_size_)),
      waveform_blocks_(PlaceInTable((max_spaced_rows_ / kWaveformRows + 1) * kBlockInts, &table_size_)),
      frame_source_(PlaceInTable(max_rows_, &table_size_)),
      position_source_(
          PlaceInTable(max_rows_ + int64_t{limits.windows} * sizes.position_kernel, &table_size_)),
      position_frame_(PlaceInTable(max_rows_, &table_size_)),
      attention_(limits.windows, max_rows_, sizes.model_width, &table_size_) {}

StatusOr<std::unique_ptr<CudaNetwork>> Wav2Vec2CtcCuda::Create(DeviceContext context, const Bundle& bundle,
                                                               const std::vector<std::string>& heads,
                                                               ElementType type,
                                                               const CudaNetworkLimits& limits) {
  SKALD_ASSIGN_OR_RETURN(const WeightReader reader, WeightReader::Open(bundle));
  SKALD_ASSIGN_OR_RETURN(const Wav2Vec2CtcWeights weights,
                         ReadWav2Vec2CtcWeights(reader, bundle.manifest(), heads));
  auto network = std::unique_ptr<Wav2Vec2CtcCuda>(
      new Wav2Vec2CtcCuda(std::get<Wav2Vec2CtcSizes>(bundle.manifest().sizes), type, limits));
  SKALD_ASSIGN_OR_RETURN(network->libraries_, MathLibraries::Create(context));
  network->math_ = network->libraries_.context();
  SKALD_RETURN_IF_ERROR(network->CreateBuffers());
  SKALD_RETURN_IF_ERROR(network->CreateConvolutions(context, weights));
  SKALD_RETURN_IF_ERROR(network->CreateEncoder(context, reader, weights));
  return std::unique_ptr<CudaNetwork>(std::move(network));
}

Status Wav2Vec2CtcCuda::CreateConvolutions(DeviceContext context, const Wav2Vec2CtcWeights& weights) {
  const Wav2Vec2CtcSizes::Convolution& first = sizes_.convolutions.front();
  waveform_ = {first.kernel, first.stride, first.channels};
  std::vector<float> first_weights = weights.convolutions.front().affine.weight;
  if (!sizes_.group_norm) {
    FoldedConvolution folded = FoldGroupNorm(weights.convolutions.front(), first, false, {});
    first_weights = std::move(folded.weight);
    first_weights.insert(first_weights.end(), folded.bias.begin(), folded.bias.end());
  }
  SKALD_ASSIGN_OR_RETURN(first_weights_,
                         UploadWeights(context, first_weights, ElementType::kF32, "first convolution"));
  int inputs = first.channels;
  int64_t rows = max_spaced_rows_;
  for (size_t i = 0; i < sizes_.convolutions.size(); ++i) {
    const Wav2Vec2CtcSizes::Convolution& shape = sizes_.convolutions[i];
    const Wav2Vec2CtcWeights::Convolution& convolution = weights.convolutions[i];
    std::vector<float> bias = convolution.affine.bias;
    bias.resize(static_cast<size_t>(shape.channels), 0.0f);
    if (i == 0) bias.assign(bias.size(), 0.0f);  // it is in the folded weights
    SKALD_ASSIGN_OR_RETURN(DeviceBuffer<std::byte> bias_buffer,
                           UploadWeights(context, bias, ElementType::kF32, "convolution bias"));
    convolution_bias_.push_back(std::move(bias_buffer));
    if (!convolution.norm.gain.empty()) {
      SKALD_ASSIGN_OR_RETURN(DeviceNorm norm, UploadNorm(context, convolution.norm));
      convolution_norms_.push_back(std::move(norm));
    }
    if (i == 0) continue;
    SKALD_ASSIGN_OR_RETURN(CudaConvolution layer,
                           CudaConvolution::Create(context, math_, convolution.affine.weight,
                                                   {.type = type_,
                                                    .inputs = inputs,
                                                    .outputs = shape.channels,
                                                    .taps = shape.kernel,
                                                    .padding = 0,
                                                    .stride = shape.stride,
                                                    .max_rows = rows}));
    convolutions_.push_back(std::move(layer));
    inputs = shape.channels;
    rows /= shape.stride;
  }
  return Status::Ok();
}

Status Wav2Vec2CtcCuda::CreateEncoder(DeviceContext context, const WeightReader& reader,
                                      const Wav2Vec2CtcWeights& weights) {
  const int width = sizes_.model_width;
  if (sizes_.projection_norm) {
    SKALD_ASSIGN_OR_RETURN(projection_norm_, UploadNorm(context, weights.projection_norm));
  }
  SKALD_ASSIGN_OR_RETURN(
      CudaLinear projection,
      CudaLinear::Create(context, math_, weights.projection.weight, weights.projection.bias,
                         {.input_type = type_, .output_type = ElementType::kF32, .max_rows = max_rows_}));
  projection_.push_back(std::move(projection));
  SKALD_ASSIGN_OR_RETURN(
      CudaConvolution position,
      CudaConvolution::Create(context, math_, weights.position_convolution.weight,
                              {.type = type_,
                               .inputs = width,
                               .outputs = width,
                               .taps = sizes_.position_kernel,
                               .padding = sizes_.position_kernel / 2,
                               .groups = sizes_.position_groups,
                               .max_rows = max_rows_ + int64_t{limits_.windows} * sizes_.position_kernel}));
  position_convolution_.push_back(std::move(position));
  SKALD_ASSIGN_OR_RETURN(position_bias_, UploadWeights(context, weights.position_convolution.bias,
                                                       ElementType::kF32, "position convolution bias"));
  SKALD_ASSIGN_OR_RETURN(encoder_norm_, UploadNorm(context, weights.encoder_norm));
  SKALD_ASSIGN_OR_RETURN(
      CudaTransformer transformer,
      CudaTransformer::Create(math_, {.type = type_,
                                      .width = width,
                                      .attention_heads = sizes_.attention_heads,
                                      .feed_forward_width = sizes_.feed_forward_width,
                                      .norm_first = sizes_.norm_first,
                                      .layer_norm_epsilon = sizes_.layer_norm_epsilon,
                                      .max_rows = max_rows_,
                                      .max_windows = limits_.windows,
                                      .max_window_frames = std::max<int64_t>(
                                          1, ScoreFrames(sizes_, limits_.window_feature_frames))}));
  transformer_.emplace(std::move(transformer));
  for (int layer = 0; layer < sizes_.layers; ++layer) {
    SKALD_ASSIGN_OR_RETURN(const TransformerLayerWeights layer_weights,
                           ReadWav2Vec2CtcLayer(reader, sizes_, layer));
    SKALD_RETURN_IF_ERROR(transformer_->AddLayer(context, math_, layer_weights));
  }
  SKALD_ASSIGN_OR_RETURN(CudaCtcHeads heads,
                         CudaCtcHeads::Create(context, math_, weights.heads, width, max_rows_));
  heads_.emplace(std::move(heads));
  return Status::Ok();
}

Status Wav2Vec2CtcCuda::CreateBuffers() {
  const auto bytes = [this](int64_t rows, int64_t columns, const char* purpose,
                            DeviceBuffer<std::byte>* buffer) -> Status {
    SKALD_ASSIGN_OR_RETURN(*buffer, DeviceBuffer<std::byte>::Create(
                                        static_cast<size_t>(rows * columns) * ElementBytes(type_), purpose));
    return Status::Ok();
  };
  const auto floats = [](int64_t rows, int64_t columns, const char* purpose,
                         DeviceBuffer<float>* buffer) -> Status {
    SKALD_ASSIGN_OR_RETURN(*buffer,
                           DeviceBuffer<float>::Create(static_cast<size_t>(rows * columns), purpose));
    return Status::Ok();
  };
  int64_t rows = max_spaced_rows_, needed[2] = {0, 0};
  for (size_t i = 0; i < sizes_.convolutions.size(); ++i) {
    if (i > 0) rows = rows / sizes_.convolutions[i].stride + 1;
    needed[i % 2] = std::max(needed[i % 2], rows * sizes_.convolutions[i].channels);
  }
  for (int i = 0; i < 2; ++i) SKALD_RETURN_IF_ERROR(bytes(needed[i], 1, "convolutions", &convolved_[i]));
  const Wav2Vec2CtcSizes::Convolution& first = sizes_.convolutions.front();
  if (sizes_.group_norm) {
    SKALD_ASSIGN_OR_RETURN(
        moments_,
        DeviceBuffer<double>::Create(static_cast<size_t>(limits_.windows * first.kernel * (first.kernel + 1)),
                                     "moments of samples"));
    SKALD_RETURN_IF_ERROR(floats(int64_t{limits_.windows} * (first.kernel + 1), first.channels,
                                 "folded convolutions", &folded_));
  }
  const int64_t channels = sizes_.convolutions.back().channels, width = sizes_.model_width;
  const int64_t position_rows = max_rows_ + int64_t{limits_.windows} * sizes_.position_kernel;
  SKALD_RETURN_IF_ERROR(floats(max_rows_, channels, "gathered frames", &gathered_));
  SKALD_RETURN_IF_ERROR(bytes(max_rows_, channels, "projection input", &projection_input_));
  SKALD_RETURN_IF_ERROR(bytes(position_rows, width, "spaced frames", &spaced_));
  SKALD_RETURN_IF_ERROR(bytes(position_rows + 1, width, "position convolution", &positions_));
  SKALD_RETURN_IF_ERROR(floats(max_rows_, width, "residual stream", &x_));
  SKALD_ASSIGN_OR_RETURN(StagedTable table, StagedTable::Create(table_size_));
  table_.emplace(std::move(table));
  return Status::Ok();
}

void Wav2Vec2CtcCuda::Fill(std::span<const int64_t> window_samples, std::span<int32_t> table) {
  std::fill(table.begin(), table.end(), 0);
  const auto put = [&table](int64_t place, int64_t value) {
    table[static_cast<size_t>(place)] = static_cast<int32_t>(value);
  };
  const Wav2Vec2CtcSizes::Convolution& first = sizes_.convolutions.front();
  attention_.Begin(table);
  windows_ = spaced_rows_ = position_rows_ = 0;
  int64_t first_sample = 0;
  for (const int64_t samples : window_samples) {
    const int64_t frames = ScoreFrames(sizes_, samples);
    if (frames > 0) {
      const int64_t rows = (samples - first.kernel) / first.stride + 1;
      const WaveformWindow window{static_cast<int32_t>(first_sample), static_cast<int32_t>(rows)};
      std::memcpy(table.data() + waveform_windows_ + windows_ * kWindowInts, &window, sizeof window);
      const int64_t spaced = RoundUp(rows, step_);
      for (int64_t row = 0; row < spaced; row += kWaveformRows) {
        const WaveformBlock block{static_cast<int32_t>(first_sample + std::min(row, rows) * first.stride),
                                  static_cast<int32_t>(std::clamp<int64_t>(rows - row, 0, kWaveformRows)),
                                  static_cast<int32_t>(windows_)};
        std::memcpy(table.data() + waveform_blocks_ + (spaced_rows_ + row) / kWaveformRows * kBlockInts,
                    &block, sizeof block);
      }
      const int64_t spaced_per_frame = FeatureFramesPerScore(sizes_) / first.stride;
      for (int64_t frame = 0; frame < frames; ++frame) {
        put(frame_source_ + attention_.rows() + frame, spaced_rows_ / spaced_per_frame + frame);
        put(position_frame_ + attention_.rows() + frame, position_rows_ + frame);
        put(position_source_ + position_rows_ + frame, attention_.rows() + frame);
      }
      for (int64_t gap = 0; gap < sizes_.position_kernel; ++gap) {
        put(position_source_ + position_rows_ + frames + gap, -1);
      }
      position_rows_ += frames + sizes_.position_kernel;
      attention_.Add(frames);
      spaced_rows_ += spaced;
      ++windows_;
    }
    first_sample += samples;
  }
  attention_.End();
}

Status Wav2Vec2CtcCuda::Convolve(DeviceContext context, const float* samples) {
  const float* folded = Floats(first_weights_);
  if (sizes_.group_norm) {
    const auto* windows = reinterpret_cast<const WaveformWindow*>(table_->At(waveform_windows_));
    const DeviceNorm& norm = convolution_norms_.front();
    SKALD_RETURN_IF_ERROR(LaunchFoldGroupNorm(
        context, waveform_, samples, windows, windows_, Floats(first_weights_), norm.gain(), norm.bias(),
        static_cast<float>(kWav2Vec2ConvolutionEpsilon), moments_.data(), folded_.data()));
    folded = folded_.data();
  }
  const auto* blocks = reinterpret_cast<const WaveformBlock*>(table_->At(waveform_blocks_));
  SKALD_RETURN_IF_ERROR(LaunchWaveformConvolution(context, waveform_, samples, blocks,
                                                  spaced_rows_ / kWaveformRows, folded, sizes_.group_norm,
                                                  sizes_.group_norm, type_, convolved_[0].data()));
  int64_t rows = spaced_rows_;
  for (size_t i = 0; i < sizes_.convolutions.size(); ++i) {
    void* output = convolved_[i % 2].data();
    if (i > 0) {
      CudaConvolution& convolution = convolutions_[i - 1];
      SKALD_RETURN_IF_ERROR(convolution.Run(context, math_, convolved_[(i + 1) % 2].data(), rows, output));
      rows = convolution.OutputRows(rows);
    }
    const int64_t channels = sizes_.convolutions[i].channels;
    if (!sizes_.group_norm) {
      SKALD_RETURN_IF_ERROR(LaunchLayerNormGelu(context, output, rows, channels, Floats(convolution_bias_[i]),
                                                convolution_norms_[i].gain(), convolution_norms_[i].bias(),
                                                static_cast<float>(kWav2Vec2ConvolutionEpsilon), type_));
    } else if (i > 0) {
      SKALD_RETURN_IF_ERROR(LaunchBiasActivation(context, output, rows, channels,
                                                 Floats(convolution_bias_[i]), nullptr, RowActivation::kGelu,
                                                 type_));
    }
  }
  return Status::Ok();
}

Status Wav2Vec2CtcCuda::Project(DeviceContext context) {
  const int64_t rows = attention_.rows(), channels = sizes_.convolutions.back().channels,
                width = sizes_.model_width;
  const void* convolved = convolved_[(sizes_.convolutions.size() - 1) % 2].data();
  const int32_t* source = table_->At(frame_source_);
  if (sizes_.projection_norm) {
    SKALD_RETURN_IF_ERROR(LaunchGatherRows(context, convolved, type_, source, rows, channels,
                                           ElementType::kF32, gathered_.data()));
    SKALD_RETURN_IF_ERROR(LaunchLayerNorm(
        context, gathered_.data(), rows, channels, projection_norm_.gain(), projection_norm_.bias(),
        static_cast<float>(sizes_.layer_norm_epsilon), type_, projection_input_.data()));
  } else {
    SKALD_RETURN_IF_ERROR(
        LaunchGatherRows(context, convolved, type_, source, rows, channels, type_, projection_input_.data()));
  }
  SKALD_RETURN_IF_ERROR(projection_[0].Run(context, math_, projection_input_.data(), rows, x_.data()));
  SKALD_RETURN_IF_ERROR(LaunchSpaceRows(context, {x_.data(), rows, width}, table_->At(position_source_),
                                        position_rows_, type_, spaced_.data()));
  SKALD_RETURN_IF_ERROR(
      position_convolution_[0].Run(context, math_, spaced_.data(), position_rows_, positions_.data()));
  return LaunchAddGelu(context, positions_.data(), type_, table_->At(position_frame_), rows, width,
                       Floats(position_bias_), x_.data());
}

Status Wav2Vec2CtcCuda::Run(DeviceContext context, FeatureView features,
                            std::span<const int64_t> window_feature_frames,
                            std::span<const MatrixView<float>> nll_per_head) {
  if (features.stride != 1) return Status::InvalidArgument("samples must be contiguous");
  SKALD_CUDA_RETURN_IF_ERROR(cudaSetDevice(context.device));
  SKALD_ASSIGN_OR_RETURN(const std::span<int32_t> table, table_->Begin());
  Fill(window_feature_frames, table);
  SKALD_RETURN_IF_ERROR(table_->Upload(context));
  const int64_t rows = attention_.rows();
  if (rows == 0) return Status::Ok();
  SKALD_RETURN_IF_ERROR(Convolve(context, features.data));
  SKALD_RETURN_IF_ERROR(Project(context));
  if (!sizes_.norm_first) {
    SKALD_RETURN_IF_ERROR(LaunchLayerNorm(context, x_.data(), rows, sizes_.model_width, encoder_norm_.gain(),
                                          encoder_norm_.bias(), static_cast<float>(sizes_.layer_norm_epsilon),
                                          ElementType::kF32, x_.data()));
  }
  for (int layer = 0; layer < transformer_->layers(); ++layer) {
    SKALD_RETURN_IF_ERROR(transformer_->RunLayer(context, math_, layer, attention_, *table_, x_.data()));
  }
  return heads_->Run(context, math_, x_.data(), rows, sizes_.norm_first ? &encoder_norm_ : nullptr,
                     sizes_.layer_norm_epsilon, nll_per_head);
}

}  // namespace skald
