#include "engine/scorer.h"

#include <algorithm>
#include <fmt/format.h>

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

StatusOr<WindowOptions> FitWindows(WindowOptions windows, const ScorerShape& shape) {
  windows.frame_shift_samples = shape.frame_shift_samples;
  if (shape.max_window_s < windows.window_s) {
    windows.window_s = shape.max_window_s;
    windows.context_s = std::min(windows.context_s, 0.2 * windows.window_s);
  }
  if (Status status = windows.Validate(); !status.ok()) {
    return Status::Unsupported(fmt::format("the model hears {:g} s at once at most", shape.max_window_s));
  }
  return windows;
}

}  // namespace skald
