#include "base/milliseconds.h"

#include <gtest/gtest.h>
#include <limits>

namespace skald {
namespace {

TEST(ToMilliseconds, RoundsAndKeepsToWhatMediaHave) {
  EXPECT_EQ(ToMilliseconds(0), 0);
  EXPECT_EQ(ToMilliseconds(1.2344), 1234);
  EXPECT_EQ(ToMilliseconds(0.0005), 1);
  EXPECT_EQ(ToMilliseconds(36000.0), 36'000'000);
  EXPECT_EQ(ToMilliseconds(-1), 0);
  EXPECT_EQ(ToMilliseconds(std::numeric_limits<double>::quiet_NaN()), 0);
  EXPECT_EQ(ToMilliseconds(std::numeric_limits<double>::infinity()), 0);
  EXPECT_EQ(ToMilliseconds(1e300), 1'000'000'000'000'000);
}

}  // namespace
}  // namespace skald
