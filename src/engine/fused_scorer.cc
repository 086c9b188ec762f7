#include "engine/fused_scorer.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace skald {

StatusOr<std::unique_ptr<Scorer>> FusedScorer::Create(std::vector<std::unique_ptr<Scorer>> members,
                                                      std::vector<double> weights, FusionRule rule,
                                                      std::vector<ScoreScaling> scaling) {
  if (members.empty() || members.size() != weights.size()) {
    return Status::InvalidArgument("fusing models takes one weight for each");
  }
  double sum = 0;
  for (const double weight : weights) {
    if (!(weight >= 0 && std::isfinite(weight))) {
      return Status::InvalidArgument("weights of models must be 0 or more");
    }
    sum += weight;
  }
  if (!(sum > 0)) return Status::InvalidArgument("every model has weight 0");
  const ScorerShape& first = members[0]->shape();
  for (const auto& member : members) {
    const ScorerShape& shape = member->shape();
    if (shape.frame_shift_samples != first.frame_shift_samples || shape.units != first.units ||
        shape.head_units != first.head_units) {
      return Status::InvalidArgument("models of different frames or units cannot be fused");
    }
  }
  std::vector<float> shares;
  for (const double weight : weights) shares.push_back(static_cast<float>(weight / sum));
  return std::unique_ptr<Scorer>(new FusedScorer(std::move(members), std::move(shares), rule, scaling));
}

Status FusedScorer::Score(std::span<const WindowInput> windows, std::vector<ScoreRows>* scores,
                          ScorerTiming* timing) {
  std::vector<std::vector<ScoreRows>> all(members_.size());
  for (size_t k = 0; k < members_.size(); ++k) {
    if (weights_[k] == 0) continue;
    SKALD_RETURN_IF_ERROR(members_[k]->Score(windows, &all[k], timing));
  }
  scores->clear();
  for (size_t w = 0; w < windows.size(); ++w) {
    std::vector<ScoreRows> rows(members_.size());
    int64_t frames = -1;
    for (size_t k = 0; k < members_.size(); ++k) {
      if (weights_[k] == 0) continue;
      rows[k] = all[k][w];
      SKALD_CHECK(!rows[k].on_device, "members give their scores on the host");
      if (frames >= 0 && rows[k].frames() != frames) {
        return Status::Unsupported(
            fmt::format("fused models have {} and {} frames of the same window", frames, rows[k].frames()));
      }
      frames = rows[k].frames();
    }
    scores->push_back(Fuse(rows));
  }
  return Status::Ok();
}

ScoreRows FusedScorer::Fuse(std::span<const ScoreRows> rows) const {
  std::vector<std::pair<const ScoreView*, float>> models;
  for (size_t k = 0; k < rows.size(); ++k) {
    if (weights_[k] > 0) models.emplace_back(&rows[k].nll, weights_[k]);
  }
  const ScoreView& first = *models[0].first;
  ScoreMatrix fused(first.rows, first.columns);
  for (int64_t row = 0; row < first.rows; ++row) {
    const std::span<float> out = fused.mutable_view().Row(row);
    for (int64_t unit = 0; unit < first.columns; ++unit) {
      float value = 0;  // a log-prob
      if (rule_ == FusionRule::kLogLinear || models.size() == 1) {
        for (const auto& [nll, weight] : models) value += weight * -(*nll)(row, unit);
      } else {
        float greatest = -std::numeric_limits<float>::infinity();
        for (const auto& [nll, weight] : models) greatest = std::max(greatest, -(*nll)(row, unit));
        float sum = 0;
        for (const auto& [nll, weight] : models) sum += weight * std::exp(-(*nll)(row, unit) - greatest);
        value = std::isinf(greatest) ? greatest : greatest + std::log(sum);
      }
      out[static_cast<size_t>(unit)] = -value;
    }
  }
  return MakeHostScores(std::move(fused), heads_);
}

}  // namespace skald
