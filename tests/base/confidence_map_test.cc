#include "base/confidence_map.h"

#include <cmath>
#include <gtest/gtest.h>

namespace skald {
namespace {

TEST(ConfidenceMap, WithoutPointsNothingChanges) {
  const ConfidenceMap map;
  EXPECT_EQ(map(0.25), 0.25);
  EXPECT_EQ(map(1.5), 1.0);
  EXPECT_EQ(map(-1), 0.0);
}

TEST(ConfidenceMap, IsLinearBetweenPoints) {
  const ConfidenceMap map = ConfidenceMap::Create({{0, 0.1}, {0.5, 0.2}, {0.75, 0.2}, {1, 0.9}}).value();
  EXPECT_DOUBLE_EQ(map(0), 0.1);
  EXPECT_DOUBLE_EQ(map(0.25), 0.15);
  EXPECT_DOUBLE_EQ(map(0.5), 0.2);
  EXPECT_DOUBLE_EQ(map(0.6), 0.2);
  EXPECT_DOUBLE_EQ(map(0.875), 0.55);
  EXPECT_DOUBLE_EQ(map(1), 0.9);
  EXPECT_DOUBLE_EQ(map(2), 0.9);
  EXPECT_DOUBLE_EQ(ConfidenceMap::Create({{0, 0.2}, {1, 0.6}}).value()(0.5), 0.4);
}

TEST(ConfidenceMap, WhatIsNoRisingMapIsRefused) {
  using Points = std::vector<ConfidenceMap::Point>;
  for (const Points& bad :
       {Points{}, Points{{0, 0}}, Points{{0.1, 0}, {1, 1}}, Points{{0, 0}, {0.9, 1}},
        Points{{0, 0}, {0.5, 0.5}, {0.5, 0.6}, {1, 1}}, Points{{0, 0.5}, {1, 0.4}}, Points{{0, -0.1}, {1, 1}},
        Points{{0, 0}, {1, 1.1}}, Points{{0, 0}, {1, NAN}}, Points{{0, 0}, {NAN, 0.5}, {1, 1}}}) {
    EXPECT_EQ(ConfidenceMap::Create(bad).status().code(), StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace skald
