#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace skald::test {

// OpenFst 1.7.9 does not compile as C++20: its user is a C++17 file behind this header.

/// An arc of LG; unit 0 = epsilon.
struct OpenFstArc {
  uint32_t source, destination;
  uint16_t unit;
  uint32_t word;
  float cost;
};

struct OpenFstResult {
  double cost = std::numeric_limits<double>::infinity();  ///< infinity where no path is complete
  std::vector<uint32_t> words;
};

/// ShortestPath(scores o (T o LG)), with the standard CTC topology T written out. `scores` is [frames,
/// units].
OpenFstResult ShortestPathOfTlg(const std::vector<OpenFstArc>& arcs, const std::vector<float>& final_costs,
                                uint32_t start, const std::vector<float>& scores, int units);

}  // namespace skald::test
