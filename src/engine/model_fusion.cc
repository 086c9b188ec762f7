#include "engine/model_fusion.h"

#include <fmt/format.h>

#include "engine/fused_scorer.h"
#include "models/bundle/bundle.h"

namespace skald {
namespace {

using Scorers = std::vector<std::unique_ptr<Scorer>>;

StatusOr<Scorers> MakeScorers(const Bundle& bundle, const ScorerOptions& options, int device, int threads) {
  if (device < 0) return MakeCpuScorers(bundle, options, threads);
  Scorers scorers;
  SKALD_ASSIGN_OR_RETURN(std::unique_ptr<Scorer> scorer, MakeCudaScorer(bundle, options, device));
  scorers.push_back(std::move(scorer));
  return scorers;
}

Status CheckUnits(const Bundle& bundle, const Bundle& other, const std::string& head) {
  if (other.manifest().heads.count(head) == 0) {
    return Status::InvalidArgument(fmt::format("it has no head '{}' to fuse", head));
  }
  SKALD_ASSIGN_OR_RETURN(const std::vector<std::string> units, bundle.ReadUnits(head));
  SKALD_ASSIGN_OR_RETURN(const std::vector<std::string> other_units, other.ReadUnits(head));
  if (units == other_units) return Status::Ok();
  return Status::InvalidArgument(fmt::format(
      "the units of its head '{}' are not those of the model: scores cannot be fused, but lattices "
      "can be combined (skald combine)",
      head));
}

}  // namespace

StatusOr<Scorers> MakeFusedScorers(const Bundle& bundle, const FusionOptions& fusion,
                                   const ScorerOptions& options, int device, int threads) {
  ScorerOptions unscaled = options;
  unscaled.scaling.assign(options.heads.size(), {});
  unscaled.scores_on_device = false;
  SKALD_ASSIGN_OR_RETURN(Scorers scorers, MakeScorers(bundle, unscaled, device, threads));
  std::vector<double> weights = {1};
  std::vector<Scorers> members(scorers.size());
  for (size_t i = 0; i < scorers.size(); ++i) members[i].push_back(std::move(scorers[i]));
  for (const AlsoModel& model : fusion.models) {
    SKALD_ASSIGN_OR_RETURN(const Bundle other, Bundle::Open(model.folder));
    for (const std::string& head : options.heads) {
      if (Status status = CheckUnits(bundle, other, head); !status.ok()) {
        return std::move(status).InFile(model.folder);
      }
    }
    SKALD_ASSIGN_OR_RETURN(Scorers more, MakeScorers(other, unscaled, device, threads));
    weights.push_back(model.weight);
    for (size_t i = 0; i < members.size(); ++i) {
      const int64_t shift = more[i]->shape().frame_shift_samples;
      const int64_t first_shift = members[i][0]->shape().frame_shift_samples;
      if (shift != first_shift) {
        return Status::InvalidArgument(
                   fmt::format(
                       "its frames are {:g} ms long, those of the model {:g} ms: scores cannot be fused "
                       "frame by frame, but lattices can be combined (skald combine)",
                       1e3 * more[i]->shape().frame_shift_s, 1e3 * members[i][0]->shape().frame_shift_s))
            .InFile(model.folder);
      }
      members[i].push_back(std::move(more[i]));
    }
  }
  Scorers fused;
  for (Scorers& of_one : members) {
    SKALD_ASSIGN_OR_RETURN(std::unique_ptr<Scorer> scorer,
                           FusedScorer::Create(std::move(of_one), weights, fusion.rule, options.scaling));
    fused.push_back(std::move(scorer));
  }
  return fused;
}

}  // namespace skald
