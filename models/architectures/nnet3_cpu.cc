#include "models/architectures/nnet3_cpu.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <variant>

#include "base/stopwatch.h"

namespace skald {
namespace {

using Operator = Nnet3Sizes::Operator;

/// Mean squares below count as this: a row of zeros stays one.
constexpr float kLeastMeanSquare = 0x1p-66f;
/// Score of silence where there is none, or as good as none.
constexpr float kNoSilenceNll = 100.0f;

float LogSumExp(std::span<const float> values) {
  const float largest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (const float value : values) sum += std::exp(double{value - largest});
  return largest + static_cast<float>(std::log(sum));
}

}  // namespace

Nnet3Cpu::Nnet3Cpu(const Nnet3Sizes& sizes, Nnet3Shape shape, int threads)
    : sizes_(sizes),
      shape_(std::move(shape)),
      team_(std::make_unique<WorkerTeam>(threads)),
      layers_(sizes.layers.size()),
      workers_(static_cast<size_t>(threads)),
      rows_(sizes.layers.size()),
      row_counts_(sizes.layers.size()) {}

StatusOr<std::unique_ptr<CpuNetwork>> Nnet3Cpu::Create(const Bundle& bundle,
                                                       const std::vector<std::string>& heads,
                                                       CpuPrecision precision, int threads) {
  const Nnet3Sizes& sizes = std::get<Nnet3Sizes>(bundle.manifest().sizes);
  SKALD_ASSIGN_OR_RETURN(const Nnet3Shape shape, ShapeOfNnet3(sizes));
  const int units = bundle.manifest().heads.at(heads.at(0)).units;
  if (heads.size() != 1 || units != shape.widths.back() + 1) {
    return Status::Corrupt("an nnet3 network has one head, here of " +
                           std::to_string(shape.widths.back() + 1) + " units, not " + std::to_string(units))
        .InFile(bundle.folder() + "/bundle.json");
  }
  SKALD_ASSIGN_OR_RETURN(const Nnet3Weights weights, ReadNnet3Weights(bundle, sizes));
  return Create(sizes, weights, precision, threads);
}

StatusOr<std::unique_ptr<CpuNetwork>> Nnet3Cpu::Create(const Nnet3Sizes& sizes, const Nnet3Weights& weights,
                                                       CpuPrecision precision, int threads) {
  if (precision == CpuPrecision::kInt8) return Status::Unsupported("precision int8 of an nnet3 network");
  SKALD_ASSIGN_OR_RETURN(Nnet3Shape shape, ShapeOfNnet3(sizes));
  auto network = std::unique_ptr<Nnet3Cpu>(new Nnet3Cpu(sizes, std::move(shape), threads));
  SKALD_RETURN_IF_ERROR(network->BuildLayers(weights, precision, threads));
  network->AssignBuffers();
  return std::unique_ptr<CpuNetwork>(std::move(network));
}

Status Nnet3Cpu::BuildLayers(const Nnet3Weights& weights, CpuPrecision precision, int threads) {
  int widest = 0;
  for (size_t l = 0; l < layers_.size(); ++l) {
    int width = shape_.inputs[l];
    widest = std::max(widest, width);
    std::vector<Nnet3Weights::Operation>& kept = pointwise_.layers.emplace_back();
    for (size_t place = 0; place < sizes_.layers[l].operations.size(); ++place) {
      const Nnet3Sizes::Operation& operation = sizes_.layers[l].operations[place];
      const Nnet3Weights::Operation& values = weights.layers[l][place];
      layers_[l].products.emplace_back();
      kept.emplace_back();
      if (operation.type == Operator::kAffine) {
        SKALD_ASSIGN_OR_RETURN(layers_[l].products.back(),
                               CpuLinear::Create(values.weight, values.bias, width, operation.outputs,
                                                 {.precision = precision, .workers = threads}));
        width = operation.outputs;
        widest = std::max(widest, width);
      } else {
        kept.back() = values;
      }
    }
  }
  for (Worker& worker : workers_) {
    const size_t size = static_cast<size_t>(kLinearRowTile) * static_cast<size_t>(widest);
    worker.x.assign(size, 0.0f);
    worker.y.assign(size, 0.0f);
    for (const Layer& layer : layers_) {
      for (const auto& product : layer.products) {
        if (product) product->Prepare(&worker.linear);
      }
    }
  }
  return Status::Ok();
}

/// A layer gets the buffer of one that nobody takes from any more.
void Nnet3Cpu::AssignBuffers() {
  std::vector<size_t> last_user(layers_.size());
  for (size_t l = 0; l < layers_.size(); ++l) {
    last_user[l] = std::max(last_user[l], l);
    for (const auto& part : sizes_.layers[l].input) {
      for (const Nnet3Sizes::Term& term : part) {
        if (term.source >= Nnet3Sizes::kFirstLayer)
          last_user[static_cast<size_t>(term.source - Nnet3Sizes::kFirstLayer)] = l;
      }
    }
  }
  last_user.back() = layers_.size();
  std::vector<size_t> free_from;  // [buffers]: the layer that may write to it
  for (size_t l = 0; l < layers_.size(); ++l) {
    size_t buffer = 0;
    while (buffer < free_from.size() && free_from[buffer] > l) ++buffer;
    if (buffer == free_from.size()) free_from.emplace_back();
    free_from[buffer] = last_user[l] + 1;
    layers_[l].buffer = buffer;
  }
  buffers_.resize(free_from.size());
}

void Nnet3Cpu::SetWindows(std::span<const int64_t> window_feature_frames) {
  windows_.clear();
  int64_t feature_row = 0, score_row = 0;
  for (const int64_t frames : window_feature_frames) {
    const int64_t scores = (frames + sizes_.subsampling - 1) / sizes_.subsampling;
    if (frames > 0) windows_.push_back({feature_row, frames, score_row, scores});
    feature_row += frames;
    score_row += scores;
  }
  for (size_t l = 0; l < layers_.size(); ++l) {
    rows_[l].clear();
    int64_t row = 0;
    for (const Window& window : windows_) {
      rows_[l].push_back({row, shape_.first_offsets[l]});
      const int64_t last = shape_.last_offsets[l] + (window.score_frames - 1) * sizes_.subsampling;
      row += (last - shape_.first_offsets[l]) / shape_.strides[l] + 1;
    }
    row_counts_[l] = row;
    std::vector<float>& buffer = buffers_[layers_[l].buffer];
    buffer.resize(std::max(buffer.size(), static_cast<size_t>(row * shape_.widths[l])));
  }
}

Status Nnet3Cpu::Run(FeatureView features, std::span<const int64_t> window_feature_frames,
                     std::span<const MatrixView<float>> nll_per_head) {
  const Stopwatch watch;
  SetWindows(window_feature_frames);
  if (windows_.empty()) return Status::Ok();
  for (size_t l = 0; l < layers_.size(); ++l) SKALD_RETURN_IF_ERROR(RunLayer(l, features));
  WriteScores(nll_per_head[0]);
  timing_.linear_s += watch.Seconds();
  return Status::Ok();
}

Status Nnet3Cpu::RunLayer(size_t l, FeatureView features) {
  const int64_t rows = row_counts_[l];
  const std::vector<Nnet3Sizes::Operation>& operations = sizes_.layers[l].operations;
  team_->For((rows + kLinearRowTile - 1) / kLinearRowTile, [&](int index, int64_t tile) {
    Worker& worker = workers_[static_cast<size_t>(index)];
    const int64_t first = tile * kLinearRowTile;
    const int64_t count = std::min<int64_t>(kLinearRowTile, rows - first);
    Gather(l, features, first, count, worker.x.data());
    int64_t width = shape_.inputs[l];
    for (size_t place = 0; place < operations.size() && worker.status.ok(); ++place) {
      if (std::optional<CpuLinear>& product = layers_[l].products[place]) {
        worker.status = product->Run(index, worker.x.data(), worker.y.data(), &worker.linear);
        width = operations[place].outputs;
        worker.x.swap(worker.y);
      } else {
        Pointwise(operations[place], pointwise_.layers[l][place], count, width, worker.x.data());
      }
    }
    std::memcpy(buffers_[layers_[l].buffer].data() + first * width, worker.x.data(),
                sizeof(float) * static_cast<size_t>(count * width));
  });
  for (Worker& worker : workers_) {
    if (!worker.status.ok()) return std::exchange(worker.status, Status::Ok());
  }
  return Status::Ok();
}

void Nnet3Cpu::Gather(size_t l, FeatureView features, int64_t first, int64_t rows, float* x) const {
  const std::vector<Rows>& own = rows_[l];
  size_t window =
      static_cast<size_t>(std::upper_bound(own.begin(), own.end(), first,
                                           [](int64_t row, const Rows& r) { return row < r.first_row; }) -
                          own.begin()) -
      1;
  for (int64_t row = first; row < first + rows; ++row) {
    while (window + 1 < own.size() && own[window + 1].first_row <= row) ++window;
    const Window& place = windows_[window];
    const int64_t frame = own[window].first_frame + (row - own[window].first_row) * shape_.strides[l];
    for (const auto& part : sizes_.layers[l].input) {
      int64_t width = 0;
      for (size_t i = 0; i < part.size(); ++i) {
        const Nnet3Sizes::Term& term = part[i];
        const float* source;
        if (term.source < Nnet3Sizes::kFirstLayer) {
          const int64_t nearest = std::clamp<int64_t>(frame + term.offset, 0, place.feature_frames - 1);
          const bool is_ivector = term.source == Nnet3Sizes::kIvector;
          source =
              features.Row(place.first_feature_row + nearest).data() + (is_ivector ? sizes_.feature_bins : 0);
          width = is_ivector ? sizes_.ivector_size : sizes_.feature_bins;
        } else {
          const auto s = static_cast<size_t>(term.source - Nnet3Sizes::kFirstLayer);
          width = shape_.widths[s];
          const Rows& of_source = rows_[s][window];
          const int64_t source_row =
              of_source.first_row + (frame + term.offset - of_source.first_frame) / shape_.strides[s];
          source = buffers_[layers_[s].buffer].data() + source_row * width;
        }
        const auto scale = static_cast<float>(term.scale);
        if (i == 0 && scale == 1.0f) {
          std::memcpy(x, source, sizeof(float) * static_cast<size_t>(width));
        } else if (i == 0) {
          for (int64_t k = 0; k < width; ++k) x[k] = scale * source[k];
        } else {
          for (int64_t k = 0; k < width; ++k) x[k] += scale * source[k];
        }
      }
      x += width;
    }
  }
}

void Nnet3Cpu::Pointwise(const Nnet3Sizes::Operation& operation, const Nnet3Weights::Operation& values,
                         int64_t rows, int64_t width, float* x) const {
  for (int64_t row = 0; row < rows; ++row, x += width) {
    const std::span<float> row_values(x, static_cast<size_t>(width));
    switch (operation.type) {
      case Operator::kAffine:
        break;
      case Operator::kRelu:
        for (float& value : row_values) value = value > 0.0f ? value : 0.0f;
        break;
      case Operator::kSigmoid:
        for (float& value : row_values) value = 1.0f / (1.0f + std::exp(-value));
        break;
      case Operator::kTanh:
        for (float& value : row_values) value = std::tanh(value);
        break;
      case Operator::kScaleOffset:
        for (int64_t k = 0; k < width; ++k)
          x[k] = x[k] * values.weight[static_cast<size_t>(k)] + values.bias[static_cast<size_t>(k)];
        break;
      case Operator::kNormalize: {
        float squares = 0;
        for (const float value : row_values) squares += value * value;
        const float mean = std::max(squares / static_cast<float>(width), kLeastMeanSquare);
        const float factor = static_cast<float>(operation.rms) / std::sqrt(mean);
        for (float& value : row_values) value *= factor;
        break;
      }
      case Operator::kLogSoftmax: {
        const float normaliser = LogSumExp(row_values);
        for (float& value : row_values) value -= normaliser;
        break;
      }
    }
  }
}

void Nnet3Cpu::WriteScores(MatrixView<float> nll) {
  const int64_t outputs = shape_.widths.back();
  const float* const scores = buffers_[layers_.back().buffer].data();
  team_->For(static_cast<int64_t>(windows_.size()), [&](int index, int64_t w) {
    const Window& window = windows_[static_cast<size_t>(w)];
    const std::span<float> silence =
        std::span(workers_[static_cast<size_t>(index)].y).first(sizes_.silence_units.size());
    for (int64_t frame = 0; frame < window.score_frames; ++frame) {
      const std::span<const float> from(
          scores + (rows_.back()[static_cast<size_t>(w)].first_row + frame) * outputs,
          static_cast<size_t>(outputs));
      const std::span<float> to = nll.Row(window.first_score_row + frame);
      for (int64_t unit = 0; unit < outputs; ++unit)
        to[static_cast<size_t>(unit + 1)] = -from[static_cast<size_t>(unit)];
      to[0] = kNoSilenceNll;
      if (silence.empty()) continue;
      for (size_t i = 0; i < silence.size(); ++i)
        silence[i] = from[static_cast<size_t>(sizes_.silence_units[i] - 1)];
      to[0] = std::min(std::max(LogSumExp(from) - LogSumExp(silence), 0.0f), kNoSilenceNll);
    }
  });
}

}  // namespace skald
