#include "engine/beam_warnings.h"

#include <gtest/gtest.h>

namespace skald {
namespace {

/// Of segments with these effective beams, ten seconds apart, where 14 and 8 were asked for.
std::vector<Warning> WarningsOf(const std::vector<std::pair<double, double>>& beams) {
  BeamWarnings warnings(14, 8);
  Segment segment;
  for (const auto& [beam, lattice_beam] : beams) {
    segment.effective_beam = beam;
    segment.effective_lattice_beam = lattice_beam;
    warnings.Add(segment);
    segment.start_s += 10;
  }
  return warnings.Warnings();
}

TEST(BeamWarnings, NoneWhereNoLimitBound) {
  EXPECT_TRUE(WarningsOf({}).empty());
  EXPECT_TRUE(WarningsOf({{14, 8}, {9.5, 8}, {0, 0}}).empty());
}

TEST(BeamWarnings, OneForEachLimitAtTheWorstPlace) {
  const std::vector<Warning> warnings = WarningsOf({{14, 8}, {9, 8}, {6.25, 8}, {14, 5}});
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0].time_s, 20);
  EXPECT_NE(warnings[0].what.find("max_active"), std::string::npos);
  EXPECT_NE(warnings[0].what.find("2 of 4 segments, at worst to an effective beam of 6.25 where 14"),
            std::string::npos)
      << warnings[0].what;
  EXPECT_EQ(warnings[1].time_s, 30);
  EXPECT_NE(warnings[1].what.find("5.00 where 8"), std::string::npos) << warnings[1].what;
}

}  // namespace
}  // namespace skald
