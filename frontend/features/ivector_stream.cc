#include "frontend/features/ivector_stream.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace skald {
namespace {

double Dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// product = the symmetric matrix of which `triangle` is the lower triangle, times x.
void Multiply(const std::vector<double>& triangle, const std::vector<double>& x,
              std::vector<double>* product) {
  product->assign(x.size(), 0.0);
  for (size_t i = 0, next = 0; i < x.size(); ++i) {
    for (size_t j = 0; j < i; ++j, ++next) {
      (*product)[i] += triangle[next] * x[j];
      (*product)[j] += triangle[next] * x[i];
    }
    (*product)[i] += triangle[next++] * x[i];
  }
}

/// Conjugate gradients for matrix * x = b from the x given (Nocedal & Wright, "Numerical Optimization",
/// algorithm 5.2); residuals are computed anew where they have become much smaller than when last computed.
void Solve(const std::vector<double>& triangle, const std::vector<double>& b, int steps,
           std::vector<double>* x) {
  constexpr double kRecompute = 0.01 * 0.01;
  std::vector<double> residual, direction, product;
  const auto start = [&] {
    Multiply(triangle, *x, &residual);
    for (size_t i = 0; i < b.size(); ++i) residual[i] -= b[i];
  };
  start();
  direction = residual;
  for (double& value : direction) value = -value;
  double square = Dot(residual, residual);
  double computed = square;
  for (int step = 0; step < steps && square > 0; ++step) {
    Multiply(triangle, direction, &product);
    const double curvature = Dot(direction, product);
    if (!(curvature > 0)) return;
    const double length = square / curvature;
    for (size_t i = 0; i < b.size(); ++i) {
      (*x)[i] += length * direction[i];
      residual[i] += length * product[i];
    }
    double next = Dot(residual, residual);
    if (next < kRecompute * computed) {
      start();
      computed = next = Dot(residual, residual);
    }
    const double factor = next / square;
    for (size_t i = 0; i < b.size(); ++i) direction[i] = factor * direction[i] - residual[i];
    square = next;
  }
}

}  // namespace

IvectorStream::IvectorStream(std::shared_ptr<const IvectorModel> model, FeatureExtractor extractor,
                             std::unique_ptr<FrameWeights> weights)
    : model_(std::move(model)),
      extractor_(std::move(extractor)),
      weights_(std::move(weights)),
      mean_({model_->options().mean_frames, model_->options().global_mean_frames,
             model_->options().least_energy},
            model_->global_mean()),
      projected_(static_cast<size_t>(model_->projected())) {
  const auto size = static_cast<size_t>(model_->options().size);
  linear_.assign(size, 0.0);
  quadratic_.assign(size * (size + 1) / 2, 0.0);
  current_.assign(size, 0.0);
  current_[0] = linear_[0] = model_->options().prior_offset;
  for (size_t i = 0; i < size; ++i) quadratic_[i * (i + 1) / 2 + i] = 1.0;
}

void IvectorStream::Push(PcmView samples) {
  const auto step = static_cast<size_t>(model_->options().step_samples);
  while (!samples.empty()) {
    const size_t count = std::min(step - step_.size(), samples.size());
    step_.insert(step_.end(), samples.begin(), samples.begin() + static_cast<ptrdiff_t>(count));
    samples = samples.subspan(count);
    if (step_.size() == step) Step(false);
  }
}

void IvectorStream::Finish() {
  if (!step_.empty()) Step(false);
  Step(true);
}

void IvectorStream::Step(bool finished) {
  samples_.insert(samples_.end(), step_.begin(), step_.end());
  step_.clear();
  AddFrames();
  if (weights_ != nullptr) CollectChanges(finished);
  const IvectorOptions& options = model_->options();
  const int64_t chunk_frames = options.chunk_frames;
  int64_t ready = std::max<int64_t>(0, frame_count_ - options.right_context) / chunk_frames;
  // At the end, all that hold a frame, and one more for what a network may look at behind them.
  if (finished) ready = frame_count_ / chunk_frames + 2;
  const int64_t known = first_chunk_ + static_cast<int64_t>(chunks_.size());
  if (ready <= known) return;
  const int64_t last = finished ? frame_count_ - 1 : frame_count_ - 1 - options.splice_right;
  if (last >= 0) {
    AccumulateUntil(last);
    Estimate();
  }
  std::vector<float> ivector(current_.begin(), current_.end());
  ivector[0] = static_cast<float>(current_[0] - options.prior_offset);
  for (int64_t chunk = known; chunk < ready; ++chunk) {
    chunks_.push_back(ivector);
    if (weights_ != nullptr && chunk * chunk_frames < frame_count_) ShowChunk(chunk);
  }
}

// Frames weigh from when they can be spliced.
void IvectorStream::CollectChanges(bool finished) {
  const int64_t frames = finished ? frame_count_ : frame_count_ - model_->options().splice_right;
  if (frames <= 0) return;
  for (const auto& [frame, change] : weights_->Changes(frames)) changes_[frame] += change;
}

void IvectorStream::ShowChunk(int64_t chunk) {
  const int64_t chunk_frames = model_->options().chunk_frames;
  const int64_t first = chunk * chunk_frames - weights_->frames_before();
  const int64_t end = (chunk + 1) * chunk_frames + weights_->frames_after();
  input_.clear();
  for (int64_t frame = first; frame < end; ++frame) {
    const std::vector<float>& features = FeaturesOf(frame);
    const std::vector<float>& ivector = IvectorOf(frame);
    input_.insert(input_.end(), features.begin(), features.end());
    input_.insert(input_.end(), ivector.begin(), ivector.end());
  }
  const FeatureView input(input_.data(), end - first, static_cast<int64_t>(input_.size()) / (end - first));
  weights_->Take(input, std::min(chunk_frames, frame_count_ - chunk * chunk_frames));
}

void IvectorStream::AddFrames() {
  const int64_t frames = extractor_.FrameCount(static_cast<int64_t>(samples_.size()));
  if (frames == 0) return;
  features_.resize(static_cast<size_t>(frames * extractor_.bins()));
  extractor_.Run(samples_, {features_.data(), frames, extractor_.bins()});
  for (int64_t frame = 0; frame < frames; ++frame) {
    const float* const features = features_.data() + frame * extractor_.bins();
    frames_.push_back({{features, features + extractor_.bins()}, {}});
    mean_.Add(features);
  }
  frame_count_ += frames;
  // Weights may change for this long after, contexts of chunks reach back less.
  constexpr int64_t kLateFrames = 1000;
  const IvectorOptions& options = model_->options();
  const int64_t needed = std::min(frame_count_ - options.mean_frames,
                                  counted_ - options.splice_left - (weights_ != nullptr ? kLateFrames : 0));
  for (; first_kept_ < needed; ++first_kept_) frames_.pop_front();
  mean_.Forget(first_kept_);
  samples_.erase(samples_.begin(), samples_.begin() + static_cast<ptrdiff_t>(
                                                          frames * extractor_.options().frame_shift_samples));
}

const std::vector<float>& IvectorStream::FeaturesOf(int64_t frame) const {
  return frames_[static_cast<size_t>(std::clamp<int64_t>(frame, 0, frame_count_ - 1) - first_kept_)].features;
}

/// Into the frame's `projected`, once: what means there are depends on what was asked for before.
void IvectorStream::ProjectNormalised(int64_t frame) {
  Frame& target = frames_[static_cast<size_t>(frame - first_kept_)];
  if (!target.projected.empty()) return;
  const IvectorOptions& options = model_->options();
  const auto bins = static_cast<size_t>(options.feature_bins);
  spliced_.resize(bins * static_cast<size_t>(options.splice_left + 1 + options.splice_right));
  float* next = spliced_.data();
  for (int64_t t = frame - options.splice_left; t <= frame + options.splice_right; ++t, next += bins) {
    const int64_t source = std::clamp<int64_t>(t, 0, frame_count_ - 1);
    mean_.Normalise(source, FeaturesOf(source).data(), next);
  }
  target.projected.resize(projected_.size());
  model_->Project(spliced_.data(), target.projected.data());
}

void IvectorStream::ProjectPlain(int64_t frame) {
  spliced_.clear();
  for (int64_t t = frame - model_->options().splice_left; t <= frame + model_->options().splice_right; ++t) {
    const std::vector<float>& values = FeaturesOf(t);
    spliced_.insert(spliced_.end(), values.begin(), values.end());
  }
  model_->Project(spliced_.data(), projected_.data());
}

void IvectorStream::AccumulateUntil(int64_t frame) {
  if (weights_ == nullptr) {
    for (; counted_ <= frame; ++counted_) AccumulateFrame(counted_, 1.0);
    return;
  }
  if (counted_ > frame) return;
  counted_ = frame + 1;
  while (!changes_.empty() && changes_.begin()->first <= frame) {
    AccumulateFrame(changes_.begin()->first, changes_.begin()->second);
    changes_.erase(changes_.begin());
  }
}

void IvectorStream::AccumulateFrame(int64_t frame, double frame_weight) {
  if (frame_weight == 0 || frame < first_kept_) return;
  const IvectorOptions& options = model_->options();
  ProjectNormalised(frame);
  // What weighs little is worth few Gaussians.
  const double least = std::min(options.least_posterior / std::abs(frame_weight), 0.99);
  model_->Posteriors(frames_[static_cast<size_t>(frame - first_kept_)].projected.data(), least, &posteriors_);
  ProjectPlain(frame);
  double weight = 0;
  for (const auto& [g, posterior] : posteriors_) {
    const double share = options.posterior_scale * frame_weight * posterior;
    model_->Accumulate(g, share, projected_.data(), linear_.data(), quadratic_.data());
    weight += share;
  }
  if (options.max_count > 0) {
    const double growth =
        (std::max(weight_ + weight, options.max_count) - std::max(weight_, options.max_count)) /
        options.max_count;
    linear_[0] += options.prior_offset * growth;
    for (size_t i = 0; i < linear_.size(); ++i) quadratic_[i * (i + 1) / 2 + i] += growth;
  }
  weight_ += weight;
}

void IvectorStream::Estimate() {
  if (weight_ <= 0) {
    std::fill(current_.begin(), current_.end(), 0.0);
    current_[0] = model_->options().prior_offset;
    return;
  }
  Solve(quadratic_, linear_, model_->options().solver_steps, &current_);
}

// The network asks for the i-vectors of a chunk's new frames, in steps of chunk_frames, when it computes the
// chunk.
int64_t IvectorStream::ChunkOf(int64_t frame) const {
  const int64_t chunk_frames = model_->options().chunk_frames;
  const int64_t ahead = (chunk_frames + model_->options().right_context - 1) / chunk_frames;
  return std::max<int64_t>(0, frame / chunk_frames - ahead);
}

const std::vector<float>& IvectorStream::IvectorOf(int64_t frame) const {
  const int64_t chunk =
      std::clamp<int64_t>(ChunkOf(frame) - first_chunk_, 0, static_cast<int64_t>(chunks_.size()) - 1);
  return chunks_[static_cast<size_t>(chunk)];
}

void IvectorStream::Read(int64_t first_frame, MatrixView<float> rows) const {
  for (int64_t row = 0; row < rows.rows; ++row) {
    if (chunks_.empty()) {
      std::fill(rows.Row(row).begin(), rows.Row(row).end(), 0.0f);
      continue;
    }
    const std::vector<float>& ivector = IvectorOf(first_frame + row);
    std::copy(ivector.begin(), ivector.end(), rows.Row(row).begin());
  }
}

void IvectorStream::Forget(int64_t first_frame) {
  const int64_t count =
      std::min<int64_t>(ChunkOf(first_frame) - first_chunk_, static_cast<int64_t>(chunks_.size()) - 1);
  if (count <= 0) return;
  chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<ptrdiff_t>(count));
  first_chunk_ += count;
}

}  // namespace skald
