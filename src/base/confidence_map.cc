#include "base/confidence_map.h"

#include <algorithm>
#include <utility>

namespace skald {

StatusOr<ConfidenceMap> ConfidenceMap::Create(std::vector<Point> points) {
  if (points.size() < 2) return Status::InvalidArgument("a confidence map needs two points");
  if (points.front().raw != 0 || points.back().raw != 1) {
    return Status::InvalidArgument("a confidence map reaches from 0 to 1");
  }
  for (size_t i = 0; i < points.size(); ++i) {
    if (!(points[i].calibrated >= 0 && points[i].calibrated <= 1)) {
      return Status::InvalidArgument("a confidence map has values within 0 to 1");
    }
    if (i == 0) continue;
    if (!(points[i].raw > points[i - 1].raw) || points[i].calibrated < points[i - 1].calibrated) {
      return Status::InvalidArgument("a confidence map rises");
    }
  }
  ConfidenceMap map;
  map.points_ = std::move(points);
  return map;
}

double ConfidenceMap::operator()(double raw) const {
  raw = std::clamp(raw, 0.0, 1.0);
  if (points_.empty()) return raw;
  const auto above = std::upper_bound(points_.begin() + 1, points_.end() - 1, raw,
                                      [](double value, const Point& point) { return value < point.raw; });
  const Point& from = *(above - 1);
  const double share = (raw - from.raw) / (above->raw - from.raw);
  return from.calibrated + share * (above->calibrated - from.calibrated);
}

}  // namespace skald
