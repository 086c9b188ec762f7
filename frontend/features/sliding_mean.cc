#include "frontend/features/sliding_mean.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace skald {

SlidingMean::SlidingMean(const SlidingMeanOptions& options, std::vector<float> global_mean)
    : options_(options), global_mean_(std::move(global_mean)), sum_(global_mean_.size()) {}

void SlidingMean::Add(const float* frame) {
  std::vector<double> sum = sums_.empty() ? std::vector<double>(global_mean_.size()) : sums_.back();
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += frame[i];
  sums_.push_back(std::move(sum));
}

void SlidingMean::Normalise(int64_t frame, const float* values, float* normalised) {
  const size_t size = global_mean_.size();
  if (values[0] > options_.least_energy) {
    sum_ = sums_[static_cast<size_t>(frame - first_sum_)];
    const int64_t before = frame - options_.frames;
    if (before >= 0) {
      const std::vector<double>& left = sums_[static_cast<size_t>(before - first_sum_)];
      for (size_t i = 0; i < size; ++i) sum_[i] -= left[i];
    }
    count_ = static_cast<double>(std::min<int64_t>(frame + 1, options_.frames));
  }
  const double global = std::min<double>(options_.frames - count_, options_.global_frames);
  for (size_t i = 0; i < size; ++i) sum_[i] += global * global_mean_[i];
  count_ += global;
  for (size_t i = 0; i < size; ++i) {
    normalised[i] = static_cast<float>(count_ > 0 ? values[i] - sum_[i] / count_ : values[i]);
  }
}

void SlidingMean::Forget(int64_t first_frame) {
  for (; first_sum_ < first_frame - options_.frames && sums_.size() > 1; ++first_sum_) sums_.pop_front();
}

}  // namespace skald
