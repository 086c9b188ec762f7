#pragma once

#include <memory>
#include <vector>

#include "engine/fusion_options.h"
#include "engine/scorer.h"

namespace skald {

/// Scores of models on one frame grid, fused on the host and then scaled, for each
/// head as `scaling` has it. The CPU twin of FuseScores
/// (kernels/search/score_fusion.h): sums run over models in their order, in f32, and one model alone keeps
/// its bits.
class FusedScorer : public Scorer {
 public:
  /// Takes members that give scores on the host without scaling, and their weights: 0 or more, not all 0,
  /// made to sum to 1; a member of weight 0 is not run. kInvalidArgument where weights are out of range or
  /// members have other units or frames than the first.
  static StatusOr<std::unique_ptr<Scorer>> Create(std::vector<std::unique_ptr<Scorer>> members,
                                                  std::vector<double> weights, FusionRule rule,
                                                  std::vector<ScoreScaling> scaling);

  const ScorerShape& shape() const override { return members_[0]->shape(); }
  Status Score(std::span<const WindowInput> windows, std::vector<ScoreRows>* scores,
               ScorerTiming* timing) override;

 private:
  FusedScorer(std::vector<std::unique_ptr<Scorer>> members, std::vector<float> weights, FusionRule rule,
              std::span<const ScoreScaling> scaling)
      : members_(std::move(members)),
        weights_(std::move(weights)),
        rule_(rule),
        heads_(ColumnsOfHeads(members_[0]->shape(), scaling)) {}

  ScoreRows Fuse(std::span<const ScoreRows> rows) const;

  const std::vector<std::unique_ptr<Scorer>> members_;
  const std::vector<float> weights_;  // [members]
  const FusionRule rule_;
  const std::vector<HeadColumns> heads_;
};

}  // namespace skald
