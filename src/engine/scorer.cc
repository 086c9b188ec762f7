#include "engine/scorer.h"

#include "base/check.h"

namespace skald {

std::vector<HeadColumns> ColumnsOfHeads(const ScorerShape& shape, std::span<const ScoreScaling> scaling) {
  const std::vector<int64_t> units =
      shape.head_units.empty() ? std::vector<int64_t>{shape.units} : shape.head_units;
  SKALD_CHECK(units.size() == scaling.size(), "one scaling for each head");
  std::vector<HeadColumns> heads;
  int64_t first = 0;
  for (size_t head = 0; head < units.size(); ++head) {
    heads.push_back({first, units[head], scaling[head]});
    first += units[head];
  }
  return heads;
}

}  // namespace skald
