#include "engine/beam_warnings.h"

#include <gtest/gtest.h>

namespace skald {
namespace {

std::vector<Segment> Segments(const std::vector<std::pair<double, double>>& beams) {
  std::vector<Segment> segments;
  for (const auto& [beam, lattice_beam] : beams) {
    Segment segment;
    segment.start_s = static_cast<double>(segments.size()) * 10;
    segment.effective_beam = beam;
    segment.effective_lattice_beam = lattice_beam;
    segments.push_back(segment);
  }
  return segments;
}

TEST(BeamWarnings, NoneWhereNoLimitBound) {
  EXPECT_TRUE(BeamWarnings({}, 14, 8).empty());
  EXPECT_TRUE(BeamWarnings(Segments({{14, 8}, {9.5, 8}, {0, 0}}), 14, 8).empty());
}

TEST(BeamWarnings, OneForEachLimitAtTheWorstPlace) {
  const std::vector<Warning> warnings = BeamWarnings(Segments({{14, 8}, {9, 8}, {6.25, 8}, {14, 5}}), 14, 8);
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
