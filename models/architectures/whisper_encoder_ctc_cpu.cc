#include "models/architectures/whisper_encoder_ctc_cpu.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace skald {
namespace {

/// Adds the time of its life to a sum.
class Stopwatch {
 public:
  explicit Stopwatch(double* sum_s) : sum_s_(sum_s), start_(std::chrono::steady_clock::now()) {}
  ~Stopwatch() {
    *sum_s_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double* sum_s_;
  std::chrono::steady_clock::time_point start_;
};

size_t PaddedRows(int64_t rows) {
  return static_cast<size_t>((rows + kLinearRowTile - 1) / kLinearRowTile * kLinearRowTile);
}

void Grow(std::vector<float>* values, size_t size) {
  if (values->size() < size) values->resize(size);
}

/// Window that holds a packed row.
size_t WindowOf(const std::vector<int64_t>& starts, int64_t row) {
  return static_cast<size_t>(std::upper_bound(starts.begin(), starts.end(), row) - starts.begin()) - 1;
}

StatusOr<CpuLinear> MakeLinear(const WhisperEncoderCtcWeights::Affine& affine, CpuLinear::Options options) {
  const auto outputs = static_cast<int>(affine.bias.size());
  const auto inputs = static_cast<int>(affine.weight.size() / affine.bias.size());
  return CpuLinear::Create(affine.weight, affine.bias, inputs, outputs, options);
}

}  // namespace

WhisperEncoderCtcCpu::WhisperEncoderCtcCpu(const WhisperEncoderCtcSizes& sizes, int threads)
    : sizes_(sizes),
      simd_(CpuKernels()),
      team_(std::make_unique<WorkerTeam>(threads)),
      attention_(sizes.attention_heads, threads),
      workers_(static_cast<size_t>(threads)) {}

StatusOr<WhisperEncoderCtcCpu> WhisperEncoderCtcCpu::Create(const WhisperEncoderCtcSizes& sizes,
                                                            WhisperEncoderCtcWeights weights,
                                                            CpuPrecision precision, int threads) {
  WhisperEncoderCtcCpu encoder(sizes, threads);
  SKALD_RETURN_IF_ERROR(encoder.BuildLayers(&weights, precision, threads));
  return encoder;
}

Status WhisperEncoderCtcCpu::BuildLayers(WhisperEncoderCtcWeights* weights, CpuPrecision precision,
                                         int threads) {
  // In int8 the second convolution and the second half of the feed-forward layers, whose inputs have outliers
  // from GELU, stay wider: that keeps WER within 0.1 of f32, all int8 costs 0.3.
  const CpuPrecision wide = precision != CpuPrecision::kInt8  ? precision
                            : DetectCpuFeatures().avx512_bf16 ? CpuPrecision::kBf16
                                                              : CpuPrecision::kF32;
  const CpuLinear::Options plain{.precision = precision, .workers = threads};
  CpuLinear::Options gelu = plain, accumulate = plain, f32 = plain, f32_gelu = plain;
  CpuLinear::Options wide_gelu = plain, wide_accumulate = plain;
  gelu.gelu = true;
  accumulate.accumulate = true;
  wide_gelu.precision = wide_accumulate.precision = wide;
  wide_gelu.gelu = true;
  wide_accumulate.accumulate = true;
  f32.precision = CpuPrecision::kF32;
  f32_gelu.precision = CpuPrecision::kF32;
  f32_gelu.gelu = true;

  SKALD_ASSIGN_OR_RETURN(CpuLinear convolution_1, MakeLinear(weights->convolution_1, f32_gelu));
  convolutions_.push_back(std::move(convolution_1));
  SKALD_ASSIGN_OR_RETURN(CpuLinear convolution_2, MakeLinear(weights->convolution_2, wide_gelu));
  convolutions_.push_back(std::move(convolution_2));
  for (WhisperEncoderCtcWeights::Layer& layer : weights->layers) {
    SKALD_ASSIGN_OR_RETURN(CpuLinear query_key_value, MakeLinear(layer.query_key_value, plain));
    SKALD_ASSIGN_OR_RETURN(CpuLinear attention_output, MakeLinear(layer.attention_output, accumulate));
    SKALD_ASSIGN_OR_RETURN(CpuLinear feed_forward_1, MakeLinear(layer.feed_forward_1, gelu));
    SKALD_ASSIGN_OR_RETURN(CpuLinear feed_forward_2, MakeLinear(layer.feed_forward_2, wide_accumulate));
    layers_.push_back({std::move(layer.attention_norm), std::move(layer.feed_forward_norm),
                       std::move(query_key_value), std::move(attention_output), std::move(feed_forward_1),
                       std::move(feed_forward_2)});
    layer = {};  // the f32 copy is not needed any more
  }
  for (const WhisperEncoderCtcWeights::Affine& head : weights->heads) {
    SKALD_ASSIGN_OR_RETURN(CpuLinear linear, MakeLinear(head, f32));
    heads_.push_back(std::move(linear));
  }
  positions_ = std::move(weights->positions);
  final_norm_ = std::move(weights->final_norm);

  int widest = std::max(3 * sizes_.model_width, sizes_.feed_forward_width);
  for (const CpuLinear& head : heads_) widest = std::max(widest, head.outputs());
  const int narrow = 3 * std::max(sizes_.model_width, sizes_.feature_bins);
  for (Worker& worker : workers_) {
    worker.narrow.resize(static_cast<size_t>(kLinearRowTile) * static_cast<size_t>(narrow));
    worker.wide.resize(static_cast<size_t>(kLinearRowTile) * static_cast<size_t>(widest));
    for (const CpuLinear& convolution : convolutions_) convolution.Prepare(&worker.linear);
    for (const Layer& layer : layers_) {
      layer.query_key_value.Prepare(&worker.linear);
      layer.attention_output.Prepare(&worker.linear);
      layer.feed_forward_1.Prepare(&worker.linear);
      layer.feed_forward_2.Prepare(&worker.linear);
    }
  }
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
  const auto width = static_cast<size_t>(sizes_.model_width);
  Grow(&convolved_, PaddedRows(feature_starts_.back()) * width);
  Grow(&x_, PaddedRows(starts_.back()) * width);
}

template <typename Task>
Status WhisperEncoderCtcCpu::ForTiles(int64_t rows, const Task& task) {
  team_->For((rows + kLinearRowTile - 1) / kLinearRowTile, [&](int worker, int64_t tile) {
    Status& status = workers_[static_cast<size_t>(worker)].status;
    const int64_t first = tile * kLinearRowTile;
    if (status.ok()) status = task(worker, first, std::min<int64_t>(kLinearRowTile, rows - first));
  });
  Status result;
  for (Worker& worker : workers_) {
    if (!worker.status.ok()) result = std::exchange(worker.status, Status::Ok());
  }
  return result;
}

Status WhisperEncoderCtcCpu::Run(FeatureView features, std::span<const int64_t> window_feature_frames,
                                 std::span<const MatrixView<float>> nll_per_head) {
  SetWindows(window_feature_frames);
  {
    const Stopwatch stopwatch(&timing_.convolution_s);
    SKALD_RETURN_IF_ERROR(Convolve1(features));
    SKALD_RETURN_IF_ERROR(Convolve2());
  }
  attention_.Begin(frames_);
  for (size_t layer = 0; layer < layers_.size(); ++layer) {
    {
      const Stopwatch stopwatch(&timing_.linear_s);
      SKALD_RETURN_IF_ERROR(AttentionInputs(layer));
    }
    {
      const Stopwatch stopwatch(&timing_.attention_s);
      attention_.Run(team_.get(), convolved_.data());
    }
    const Stopwatch stopwatch(&timing_.linear_s);
    SKALD_RETURN_IF_ERROR(AfterAttention(layer));
    if (sizes_.pool_after_layer == static_cast<int>(layer)) PoolPairs();
  }
  const Stopwatch stopwatch(&timing_.heads_s);
  return Heads(nll_per_head);
}

Status WhisperEncoderCtcCpu::Convolve1(FeatureView features) {
  const auto bins = static_cast<size_t>(sizes_.feature_bins);
  return ForTiles(feature_starts_.back(), [&](int index, int64_t first, int64_t rows) {
    Worker& worker = workers_[static_cast<size_t>(index)];
    size_t window = WindowOf(feature_starts_, first);
    float* taps = worker.narrow.data();
    std::memset(taps, 0, sizeof(float) * kLinearRowTile * 3 * bins);
    for (int64_t row = first; row < first + rows; ++row) {
      while (feature_starts_[window + 1] <= row) ++window;
      for (int64_t tap = row - 1; tap <= row + 1; ++tap, taps += bins) {
        if (tap < feature_starts_[window] || tap >= feature_starts_[window + 1]) continue;
        std::memcpy(taps, features.Row(tap).data(), sizeof(float) * bins);
      }
    }
    return convolutions_[0].Run(index, worker.narrow.data(), convolved_.data() + first * sizes_.model_width,
                                &worker.linear);
  });
}

Status WhisperEncoderCtcCpu::Convolve2() {
  const int64_t width = sizes_.model_width;
  return ForTiles(starts_.back(), [&, width](int index, int64_t first, int64_t rows) -> Status {
    Worker& worker = workers_[static_cast<size_t>(index)];
    const size_t first_window = WindowOf(starts_, first);
    size_t window = first_window;
    float* taps = worker.narrow.data();
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
    SKALD_RETURN_IF_ERROR(convolutions_[1].Run(index, worker.narrow.data(), x, &worker.linear));
    window = first_window;
    for (int64_t row = first; row < first + rows; ++row, x += width) {
      while (starts_[window + 1] <= row) ++window;
      const float* position = positions_.data() + (row - starts_[window]) * width;
      for (int64_t i = 0; i < width; ++i) x[i] += position[i];
    }
    return Status::Ok();
  });
}

Status WhisperEncoderCtcCpu::AttentionInputs(size_t layer_index) {
  Layer& layer = layers_[layer_index];
  const int64_t width = sizes_.model_width;
  return ForTiles(starts_.back(), [&, width](int index, int64_t first, int64_t rows) -> Status {
    Worker& worker = workers_[static_cast<size_t>(index)];
    simd_.layer_norm(x_.data() + first * width, kLinearRowTile, width, layer.attention_norm.gain.data(),
                     layer.attention_norm.bias.data(), static_cast<float>(sizes_.layer_norm_epsilon),
                     worker.narrow.data());
    SKALD_RETURN_IF_ERROR(
        layer.query_key_value.Run(index, worker.narrow.data(), worker.wide.data(), &worker.linear));
    attention_.Pack(first, rows, worker.wide.data());
    return Status::Ok();
  });
}

Status WhisperEncoderCtcCpu::AfterAttention(size_t layer_index) {
  Layer& layer = layers_[layer_index];
  const int64_t width = sizes_.model_width;
  return ForTiles(starts_.back(), [&, width](int index, int64_t first, int64_t) -> Status {
    Worker& worker = workers_[static_cast<size_t>(index)];
    float* x = x_.data() + first * width;
    SKALD_RETURN_IF_ERROR(
        layer.attention_output.Run(index, convolved_.data() + first * width, x, &worker.linear));
    simd_.layer_norm(x, kLinearRowTile, width, layer.feed_forward_norm.gain.data(),
                     layer.feed_forward_norm.bias.data(), static_cast<float>(sizes_.layer_norm_epsilon),
                     worker.narrow.data());
    SKALD_RETURN_IF_ERROR(
        layer.feed_forward_1.Run(index, worker.narrow.data(), worker.wide.data(), &worker.linear));
    return layer.feed_forward_2.Run(index, worker.wide.data(), x, &worker.linear);
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
  attention_.Begin(frames_);
}

Status WhisperEncoderCtcCpu::Heads(std::span<const MatrixView<float>> nll_per_head) {
  const int64_t width = sizes_.model_width;
  return ForTiles(starts_.back(), [&, width](int index, int64_t first, int64_t rows) -> Status {
    Worker& worker = workers_[static_cast<size_t>(index)];
    simd_.layer_norm(x_.data() + first * width, kLinearRowTile, width, final_norm_.gain.data(),
                     final_norm_.bias.data(), static_cast<float>(sizes_.layer_norm_epsilon),
                     worker.narrow.data());
    for (size_t head = 0; head < heads_.size(); ++head) {
      SKALD_RETURN_IF_ERROR(
          heads_[head].Run(index, worker.narrow.data(), worker.wide.data(), &worker.linear));
      const MatrixView<float>& nll = nll_per_head[head];
      simd_.negative_log_softmax(worker.wide.data(), rows, heads_[head].outputs(),
                                 nll.data + first * nll.stride, nll.stride);
    }
    return Status::Ok();
  });
}

}  // namespace skald
