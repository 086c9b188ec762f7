#include "scoring/confidence_score.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace skald {
namespace {

constexpr double kLeastConfidence = 1e-7;

/// 0, quantiles, 1; no two closer than what 3 decimals of an output tell apart.
std::vector<double> Places(std::span<const ConfidenceObservation> words, int count) {
  std::vector<double> sorted;
  for (const ConfidenceObservation& word : words) sorted.push_back(std::clamp(word.confidence, 0.0, 1.0));
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> places = {0.0};
  const auto add = [&](double place) {
    place = std::round(place * 1000) / 1000;
    if (place >= places.back() + 0.002 && place <= 0.998) places.push_back(place);
  };
  for (int i = 1; i + 1 < count; ++i) {
    add(sorted[sorted.size() * static_cast<size_t>(i) / static_cast<size_t>(count - 1)]);
  }
  places.push_back(1.0);
  return places;
}

}  // namespace

std::optional<double> NormalizedCrossEntropy(std::span<const ConfidenceObservation> words) {
  double correct = 0, log_likelihood = 0;
  for (const ConfidenceObservation& word : words) {
    const double p = std::clamp(word.confidence, kLeastConfidence, 1 - kLeastConfidence);
    log_likelihood += std::log2(word.is_correct ? p : 1 - p);
    correct += word.is_correct ? 1 : 0;
  }
  const double wrong = static_cast<double>(words.size()) - correct;
  if (correct == 0 || wrong == 0) return std::nullopt;
  const double share = correct / static_cast<double>(words.size());
  const double entropy = -correct * std::log2(share) - wrong * std::log2(1 - share);
  return (entropy + log_likelihood) / entropy;
}

StatusOr<ConfidenceMap> FitConfidenceMap(std::span<const ConfidenceObservation> words,
                                         const ConfidenceFitOptions& options) {
  if (options.points < 2 || options.points > 100 || options.iterations < 1 || !(options.least_doubt > 0) ||
      options.least_doubt > 0.4) {
    return Status::InvalidArgument("options of the confidence fit are out of range");
  }
  if (!NormalizedCrossEntropy(words).has_value()) {
    return Status::InvalidArgument("confidences are fitted to words of which some are right and some wrong");
  }
  const std::vector<double> places = Places(words, options.points);
  // Value at place i: sum of rises[0..i]; rises and what is missing to 1 at the end are the mixture's
  // weights.
  const size_t count = places.size();
  std::vector<double> rises(count, 1.0 / static_cast<double>(count + 1));
  double rest = rises[0];
  std::vector<double> gains(count), ramp(count);
  for (int iteration = 0; iteration < options.iterations; ++iteration) {
    std::fill(gains.begin(), gains.end(), 0.0);
    double rest_gain = 0;
    for (const ConfidenceObservation& word : words) {
      const double raw = std::clamp(word.confidence, 0.0, 1.0);
      double p = 0;
      for (size_t i = 0; i < count; ++i) {
        ramp[i] = i == 0 ? 1.0 : std::clamp((raw - places[i - 1]) / (places[i] - places[i - 1]), 0.0, 1.0);
        p += rises[i] * ramp[i];
      }
      p = std::clamp(p, kLeastConfidence, 1 - kLeastConfidence);
      for (size_t i = 0; i < count; ++i) {
        gains[i] += word.is_correct ? ramp[i] / p : (1 - ramp[i]) / (1 - p);
      }
      rest_gain += word.is_correct ? 0.0 : 1.0 / (1 - p);
    }
    double sum = rest *= rest_gain;
    for (size_t i = 0; i < count; ++i) sum += rises[i] *= gains[i];
    rest /= sum;
    for (double& rise : rises) rise /= sum;
  }
  std::vector<ConfidenceMap::Point> points;
  double value = 0;
  for (size_t i = 0; i < count; ++i) {
    value += rises[i];
    const double kept = std::clamp(value, options.least_doubt, 1 - options.least_doubt);
    points.push_back({places[i], std::round(kept * 10000) / 10000});
  }
  return ConfidenceMap::Create(std::move(points));
}

}  // namespace skald
