#include "scoring/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <functional>

namespace skald {
namespace {

/// SplitMix64 (Steele, Lea, Flood 2014): the standard library's distributions differ between implementations.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  /// A number in [0, bound); bound < 2^32, so the bias is below 2^-32.
  size_t Below(size_t bound) {
    return static_cast<size_t>((Next() >> 32) * static_cast<uint64_t>(bound) >> 32);
  }

 private:
  uint64_t Next() {
    uint64_t value = state_ += 0x9E3779B97F4A7C15u;
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9u;
    value = (value ^ value >> 27) * 0x94D049BB133111EBu;
    return value ^ value >> 31;
  }
  uint64_t state_;
};

/// The middle `confidence` share of `values`, by nearest rank.
Interval MiddleOf(std::vector<double> values, double confidence) {
  std::sort(values.begin(), values.end());
  const double tail = (1.0 - confidence) / 2.0;
  const auto last = static_cast<double>(values.size() - 1);
  return {values[static_cast<size_t>(std::floor(tail * last))],
          values[static_cast<size_t>(std::ceil((1.0 - tail) * last))]};
}

}  // namespace

Interval BootstrapWer(std::span<const UtteranceScore> utterances, int samples, double confidence,
                      uint64_t seed) {
  ErrorCounts total;
  for (const UtteranceScore& utterance : utterances) total += utterance.counts;
  if (utterances.empty() || samples < 1) return {total.wer(), total.wer()};
  Random random(seed);
  std::vector<double> rates;
  for (int sample = 0; sample < samples; ++sample) {
    ErrorCounts drawn;
    for (size_t i = 0; i < utterances.size(); ++i)
      drawn += utterances[random.Below(utterances.size())].counts;
    rates.push_back(drawn.wer());
  }
  return MiddleOf(std::move(rates), confidence);
}

StatusOr<Comparison> CompareSystems(const WerReport& a, const WerReport& b, const ScoringOptions& options) {
  SKALD_RETURN_IF_ERROR(options.Validate());
  const size_t count = a.utterances.size();
  if (count == 0 || count != b.utterances.size()) {
    return Status::InvalidArgument(
        fmt::format("cannot compare scores of {} utterances with scores of {}", count, b.utterances.size()));
  }
  Comparison comparison;
  comparison.wer_difference = b.total.wer() - a.total.wer();
  double sum = 0, sum_of_squares = 0;
  for (size_t i = 0; i < count; ++i) {
    if (a.utterances[i].id != b.utterances[i].id) {
      return Status::InvalidArgument(fmt::format("the systems were scored on different utterances: {} and {}",
                                                 a.utterances[i].id, b.utterances[i].id));
    }
    const auto difference =
        static_cast<double>(b.utterances[i].counts.errors() - a.utterances[i].counts.errors());
    sum += difference;
    sum_of_squares += difference * difference;
    (difference < 0 ? comparison.better : difference > 0 ? comparison.worse : comparison.equal) += 1;
  }
  const auto n = static_cast<double>(count);
  const double variance = count > 1 ? (sum_of_squares - sum * sum / n) / (n - 1) : 0;
  if (variance > 0) comparison.p_value = std::erfc(std::abs(sum) / std::sqrt(n * variance) / std::sqrt(2.0));
  comparison.difference_interval = {comparison.wer_difference, comparison.wer_difference};
  if (options.bootstrap_samples > 0) {
    Random random(options.bootstrap_seed);
    std::vector<double> differences;
    int64_t improved = 0;
    for (int sample = 0; sample < options.bootstrap_samples; ++sample) {
      ErrorCounts drawn_a, drawn_b;
      for (size_t i = 0; i < count; ++i) {
        const size_t chosen = random.Below(count);
        drawn_a += a.utterances[chosen].counts;
        drawn_b += b.utterances[chosen].counts;
      }
      differences.push_back(drawn_b.wer() - drawn_a.wer());
      improved += drawn_b.errors() < drawn_a.errors() ? 1 : 0;
    }
    comparison.probability_of_improvement =
        static_cast<double>(improved) / static_cast<double>(options.bootstrap_samples);
    comparison.difference_interval = MiddleOf(std::move(differences), options.confidence);
  }
  return comparison;
}

}  // namespace skald
