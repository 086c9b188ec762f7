#include "frontend/features/ivector_model.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace skald {
namespace {

Status CheckRange(const char* field, double value, double low, double high) {
  if (value >= low && value <= high) return Status::Ok();  // false for NaN
  return Status::InvalidArgument("i-vector option " + std::string(field) + " is " + std::to_string(value) +
                                 ", must be from " + std::to_string(low) + " to " + std::to_string(high));
}

Status CheckSize(const char* name, const std::vector<float>& values, size_t wanted) {
  if (values.size() == wanted) return Status::Ok();
  return Status::InvalidArgument("i-vector extractor: " + std::string(name) + " has " +
                                 std::to_string(values.size()) + " values, must have " +
                                 std::to_string(wanted));
}

}  // namespace

Status IvectorOptions::Validate() const {
  SKALD_RETURN_IF_ERROR(CheckRange("feature_bins", feature_bins, 1, 1024));
  SKALD_RETURN_IF_ERROR(CheckRange("size", size, 1, 2000));
  SKALD_RETURN_IF_ERROR(CheckRange("splice_left", splice_left, 0, 100));
  SKALD_RETURN_IF_ERROR(CheckRange("splice_right", splice_right, 0, 100));
  SKALD_RETURN_IF_ERROR(CheckRange("selected_gaussians", selected_gaussians, 1, 10000));
  SKALD_RETURN_IF_ERROR(CheckRange("least_posterior", least_posterior, 0, 0.5));
  SKALD_RETURN_IF_ERROR(CheckRange("posterior_scale", posterior_scale, 1e-6, 1));
  SKALD_RETURN_IF_ERROR(CheckRange("silence_weight", silence_weight, 0, 1));
  SKALD_RETURN_IF_ERROR(CheckRange("max_count", max_count, 0, 1e9));
  SKALD_RETURN_IF_ERROR(CheckRange("solver_steps", solver_steps, 1, 1000));
  SKALD_RETURN_IF_ERROR(CheckRange("prior_offset", prior_offset, -1e6, 1e6));
  SKALD_RETURN_IF_ERROR(CheckRange("mean_frames", mean_frames, 1, 100000));
  SKALD_RETURN_IF_ERROR(CheckRange("global_mean_frames", global_mean_frames, 0, 100000));
  SKALD_RETURN_IF_ERROR(CheckRange("least_energy", least_energy, -1e6, 1e6));
  SKALD_RETURN_IF_ERROR(CheckRange("chunk_frames", chunk_frames, 1, 10000));
  SKALD_RETURN_IF_ERROR(CheckRange("right_context", right_context, 0, 10000));
  return CheckRange("step_samples", step_samples, 1, 1 << 20);
}

StatusOr<IvectorModel> IvectorModel::Create(const IvectorOptions& options, IvectorParameters parameters) {
  SKALD_RETURN_IF_ERROR(options.Validate());
  IvectorModel model;
  model.options_ = options;
  const auto bins = static_cast<size_t>(options.feature_bins);
  const auto size = static_cast<size_t>(options.size);
  const size_t spliced = bins * static_cast<size_t>(options.splice_left + 1 + options.splice_right);
  const size_t gaussians = parameters.constants.size();
  if (gaussians < 1 || parameters.scaled_means.size() % gaussians != 0) {
    return Status::InvalidArgument("i-vector extractor: " + std::to_string(parameters.scaled_means.size()) +
                                   " means for " + std::to_string(gaussians) + " Gaussians");
  }
  const size_t projected = parameters.scaled_means.size() / gaussians;
  const size_t with_offset = parameters.projection.size() == projected * (spliced + 1) ? 1 : 0;
  SKALD_RETURN_IF_ERROR(CheckSize("projection", parameters.projection, projected * (spliced + with_offset)));
  SKALD_RETURN_IF_ERROR(CheckSize("global mean", parameters.global_mean, bins));
  SKALD_RETURN_IF_ERROR(CheckSize("inverse variances", parameters.inverse_variances, gaussians * projected));
  SKALD_RETURN_IF_ERROR(
      CheckSize("factor loadings", parameters.factor_loadings, gaussians * projected * size));
  SKALD_RETURN_IF_ERROR(
      CheckSize("inverse covariances", parameters.inverse_covariances, gaussians * projected * projected));
  model.gaussians_ = static_cast<int>(gaussians);
  model.projected_ = static_cast<int>(projected);
  model.columns_ = static_cast<int>(spliced + with_offset);

  model.linear_terms_.resize(gaussians * projected * size);
  model.quadratic_terms_.resize(gaussians * size * (size + 1) / 2);
  std::vector<double> product(projected * size);
  std::vector<double> triangle(size * (size + 1) / 2);
  for (size_t g = 0; g < gaussians; ++g) {
    const float* const loadings = parameters.factor_loadings.data() + g * projected * size;
    const float* const inverse = parameters.inverse_covariances.data() + g * projected * projected;
    std::fill(product.begin(), product.end(), 0.0);
    for (size_t row = 0; row < projected; ++row) {
      for (size_t k = 0; k < projected; ++k) {
        for (size_t s = 0; s < size; ++s) {
          product[row * size + s] += double{inverse[row * projected + k]} * loadings[k * size + s];
        }
      }
    }
    std::copy(product.begin(), product.end(),
              model.linear_terms_.begin() + static_cast<ptrdiff_t>(g * product.size()));
    std::fill(triangle.begin(), triangle.end(), 0.0);
    for (size_t row = 0; row < projected; ++row) {
      for (size_t i = 0, next = 0; i < size; ++i) {
        for (size_t j = 0; j <= i; ++j)
          triangle[next++] += loadings[row * size + i] * product[row * size + j];
      }
    }
    std::copy(triangle.begin(), triangle.end(),
              model.quadratic_terms_.begin() + static_cast<ptrdiff_t>(g * triangle.size()));
  }
  parameters.factor_loadings = {};
  parameters.inverse_covariances = {};
  model.parameters_ = std::move(parameters);
  return model;
}

void IvectorModel::Project(const float* spliced, float* projected) const {
  const int values = options_.feature_bins * (options_.splice_left + 1 + options_.splice_right);
  const float* row = parameters_.projection.data();
  for (int d = 0; d < projected_; ++d, row += columns_) {
    float sum = columns_ > values ? row[values] : 0.0f;
    for (int i = 0; i < values; ++i) sum += row[i] * spliced[i];
    projected[d] = sum;
  }
}

void IvectorModel::Posteriors(const float* projected, double least_posterior,
                              std::vector<std::pair<int, float>>* posteriors) const {
  posteriors->clear();
  const float* means = parameters_.scaled_means.data();
  const float* inverses = parameters_.inverse_variances.data();
  float largest = -INFINITY;
  for (int g = 0; g < gaussians_; ++g, means += projected_, inverses += projected_) {
    float linear = 0, quadratic = 0;
    for (int d = 0; d < projected_; ++d) {
      linear += means[d] * projected[d];
      quadratic += inverses[d] * projected[d] * projected[d];
    }
    const float log_likelihood = parameters_.constants[static_cast<size_t>(g)] + linear - 0.5f * quadratic;
    posteriors->emplace_back(g, log_likelihood);
    largest = std::max(largest, log_likelihood);
  }
  const auto best = std::min<size_t>(posteriors->size(), static_cast<size_t>(options_.selected_gaussians));
  std::partial_sort(posteriors->begin(), posteriors->begin() + static_cast<ptrdiff_t>(best),
                    posteriors->end(), [](const auto& a, const auto& b) {
                      return a.second != b.second ? a.second > b.second : a.first < b.first;
                    });
  posteriors->resize(best);
  // First those that are small beside the best one go, then those that are small beside all that are left.
  const auto least = static_cast<float>(least_posterior);
  float sum = 0;
  size_t kept = 0;
  for (auto& [g, value] : *posteriors) {
    value = std::exp(value - largest);
    if (kept > 0 && value <= least) break;
    sum += value;
    ++kept;
  }
  const float cutoff = least * sum;
  while (kept > 1 && (*posteriors)[kept - 1].second < cutoff) sum -= (*posteriors)[--kept].second;
  posteriors->resize(kept);
  for (auto& [g, value] : *posteriors) value /= sum;
}

void IvectorModel::Accumulate(int g, double weight, const float* projected, double* linear,
                              double* quadratic) const {
  const auto size = static_cast<size_t>(options_.size);
  const float* terms = linear_terms_.data() + static_cast<size_t>(g) * static_cast<size_t>(projected_) * size;
  for (int d = 0; d < projected_; ++d, terms += size) {
    const double scaled = weight * projected[d];
    for (size_t s = 0; s < size; ++s) linear[s] += scaled * terms[s];
  }
  const size_t triangle = size * (size + 1) / 2;
  const float* const of_g = quadratic_terms_.data() + static_cast<size_t>(g) * triangle;
  for (size_t i = 0; i < triangle; ++i) quadratic[i] += weight * of_g[i];
}

}  // namespace skald
