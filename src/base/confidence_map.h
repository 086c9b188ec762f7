#pragma once

#include <vector>

#include "base/status.h"

namespace skald {

/// A rising piecewise-linear map from confidences as computed to confidences that mean what they say: of the
/// words with confidence p, a share p is right. A value; thread safe.
class ConfidenceMap {
 public:
  struct Point {
    double raw = 0;                                 ///< as computed, in [0, 1]
    double calibrated = 0;                          ///< in [0, 1]
    bool operator==(const Point&) const = default;  ///< equal in both
  };

  ConfidenceMap() = default;  ///< changes nothing

  /// At least two points, raw rising from 0 to 1, calibrated within [0, 1] and never falling; else
  /// kInvalidArgument.
  static StatusOr<ConfidenceMap> Create(std::vector<Point> points);

  /// `raw` is cut to [0, 1].
  double operator()(double raw) const;

  /// Empty for the map that changes nothing.
  const std::vector<Point>& points() const { return points_; }

 private:
  std::vector<Point> points_;
};

}  // namespace skald

/// @struct skald::ConfidenceMap::Point
/// A confidence as computed, and what it is mapped to.
