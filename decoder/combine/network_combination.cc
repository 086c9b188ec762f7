#include "decoder/combine/network_combination.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "base/check.h"
#include "decoder/combine/lattice_union.h"

namespace skald {
namespace {

double Posterior(const TimedBin& bin, uint32_t word) {
  for (const SystemWord& entry : bin) {
    if (entry.word == word) return entry.confidence;
  }
  return 0;
}

/// From the start to the end of the likeliest word.
std::pair<double, double> SpanOf(const TimedBin& bin) {
  const SystemWord* best = nullptr;
  for (const SystemWord& entry : bin) {
    if (entry.word != 0 && (best == nullptr || entry.confidence > best->confidence)) best = &entry;
  }
  return best == nullptr ? std::pair(0.0, 0.0) : std::pair(best->start_s, best->end_s);
}

/// Costs are whole billionths, so that orders of the same steps cost the same and times decide between them.
using Cost = int64_t;
constexpr Cost kForbidden = Cost{1} << 50;

Cost WholeCost(double cost) { return std::llround(cost * 1e9); }

Cost CostTogether(const TimedBin& a, const TimedBin& b, double slack_s) {
  const auto [a_start, a_end] = SpanOf(a);
  const auto [b_start, b_end] = SpanOf(b);
  if (std::min(a_end, b_end) + slack_s < std::max(a_start, b_start)) return kForbidden;
  double agreement = 0;
  for (const SystemWord& entry : a) agreement += entry.confidence * Posterior(b, entry.word);
  return WholeCost(1 - agreement);
}

Cost CostAlone(const TimedBin& bin) { return WholeCost(1 - Posterior(bin, 0)); }

/// a_share * a + b_share * b. Times of a word are those of its likelier occurrence.
TimedBin Mean(const TimedBin& a, double a_share, const TimedBin& b, double b_share) {
  TimedBin mean = a;
  for (SystemWord& entry : mean) entry.confidence *= a_share;
  for (SystemWord entry : b) {
    entry.confidence *= b_share;
    const auto found =
        std::find_if(mean.begin(), mean.end(), [&](const SystemWord& e) { return e.word == entry.word; });
    if (found == mean.end()) {
      mean.push_back(entry);
      continue;
    }
    if (entry.confidence > found->confidence) {
      found->start_s = entry.start_s;
      found->end_s = entry.end_s;
    }
    found->confidence += entry.confidence;
  }
  return mean;
}

enum Step : char { kBoth, kFirstAlone, kSecondAlone };

std::vector<TimedBin> CombineTwo(const std::vector<TimedBin>& a, double a_share,
                                 const std::vector<TimedBin>& b, double b_share, double slack_s) {
  const size_t width = b.size() + 1;
  std::vector<Cost> before(width, 0), here(width);
  std::vector<char> steps((a.size() + 1) * width, kSecondAlone);
  for (size_t j = 1; j < width; ++j) before[j] = before[j - 1] + CostAlone(b[j - 1]);
  for (size_t i = 1; i <= a.size(); ++i, before.swap(here)) {
    const Cost a_alone = CostAlone(a[i - 1]);
    for (size_t j = 0; j < width; ++j) {
      here[j] = before[j] + a_alone;
      steps[i * width + j] = kFirstAlone;
      if (j == 0) continue;
      const Cost both = before[j - 1] + CostTogether(a[i - 1], b[j - 1], slack_s);
      const Cost b_alone = here[j - 1] + CostAlone(b[j - 1]);
      if (both <= here[j] && both <= b_alone) {
        here[j] = both;
        steps[i * width + j] = kBoth;
      } else if (b_alone < here[j] ||
                 (b_alone == here[j] && SpanOf(b[j - 1]).first >= SpanOf(a[i - 1]).first)) {
        here[j] = b_alone;
        steps[i * width + j] = kSecondAlone;
      }
    }
  }
  const TimedBin nothing = {{0, 0, 0, 1}};
  std::vector<TimedBin> combined;  // backwards
  size_t i = a.size(), j = b.size();
  while (i > 0 || j > 0) {
    switch (steps[i * width + j]) {
      case kBoth:
        combined.push_back(Mean(a[--i], a_share, b[--j], b_share));
        break;
      case kFirstAlone:
        combined.push_back(Mean(a[--i], a_share, nothing, b_share));
        break;
      default:
        combined.push_back(Mean(nothing, a_share, b[--j], b_share));
        break;
    }
  }
  std::reverse(combined.begin(), combined.end());
  return combined;
}

}  // namespace

std::vector<TimedBin> TimedBins(const ConfusionNetwork& network) {
  std::vector<TimedBin> bins;
  for (const ConfusionBin& bin : network.bins) {
    bins.emplace_back();
    for (const ConfusionEntry& entry : bin) {
      bins.back().push_back({entry.word, entry.start_frame / kCommonFramesPerSecond,
                             entry.end_frame / kCommonFramesPerSecond, entry.posterior});
    }
  }
  return bins;
}

std::vector<TimedBin> BinsOfWords(std::span<const SystemWord> words) {
  std::vector<TimedBin> bins;
  for (const SystemWord& word : words) {
    bins.push_back({word});
    if (word.confidence < 1) bins.back().push_back({0, 0, 0, 1 - word.confidence});
  }
  return bins;
}

std::vector<TimedBin> CombineNetworks(std::span<const std::vector<TimedBin>> networks,
                                      std::span<const double> weights,
                                      const NetworkCombinationOptions& options) {
  SKALD_CHECK(weights.size() == networks.size(), "one weight for each network");
  std::vector<TimedBin> combined;
  double combined_weight = 0;
  for (size_t k = 0; k < networks.size(); ++k) {
    if (weights[k] == 0) continue;
    const double all = combined_weight + weights[k];
    combined = combined_weight == 0 ? networks[k]
                                    : CombineTwo(combined, combined_weight / all, networks[k],
                                                 weights[k] / all, options.time_slack_s);
    combined_weight = all;
  }
  return combined;
}

std::vector<SystemWord> LikeliestWords(std::span<const TimedBin> bins,
                                       const NetworkCombinationOptions& options) {
  std::vector<SystemWord> words;
  for (const TimedBin& bin : bins) {
    const SystemWord* best = nullptr;
    double best_score = -1;
    for (const SystemWord& entry : bin) {
      const double score = entry.confidence * (entry.word == 0 ? options.null_scale : 1.0);
      if (score < best_score || (score == best_score && entry.word > best->word)) continue;
      best_score = score;
      best = &entry;
    }
    if (best == nullptr || best->word == 0) continue;
    words.push_back(*best);
    if (words.size() < 2) continue;
    SystemWord& last = words.back();
    last.start_s = std::max(last.start_s, words[words.size() - 2].start_s);
    last.end_s = std::max(last.end_s, last.start_s);
  }
  return words;
}

}  // namespace skald
