#include "frontend/media/warning_log.h"

#include <gtest/gtest.h>

namespace skald {
namespace {

TEST(WarningLog, ConsecutiveDamageIsOneWarningPerTrack) {
  WarningLog log;
  log.AddDamagedPacket(0, 1.0, "bad header");
  log.AddDamagedPacket(1, 1.1, "bad sync");
  log.AddDamagedPacket(0, 1.2, "other");
  log.EndDamage(0);
  log.AddDamagedPacket(0, 5.0, "bad header");
  ASSERT_EQ(log.warnings().size(), 3u);
  EXPECT_EQ(log.warnings()[0].what, "2 damaged packets of track 0 skipped: bad header");
  EXPECT_EQ(log.warnings()[0].time_s, 1.0);
  EXPECT_EQ(log.warnings()[1].what, "1 damaged packet of track 1 skipped: bad sync");
  EXPECT_EQ(log.warnings()[2].time_s, 5.0);
}

TEST(WarningLog, IsBoundedAndCountsTheRest) {
  WarningLog log;
  for (int i = 0; i < 1000; ++i) {
    log.AddDamagedPacket(0, i, "x");
    log.AddDamagedPacket(0, i, "x");
    log.EndDamage(0);
  }
  ASSERT_EQ(log.warnings().size(), 100u);
  EXPECT_EQ(log.warnings().back().what, "901 more warnings left out");
}

}  // namespace
}  // namespace skald
