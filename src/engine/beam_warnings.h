#pragma once

#include <cstdint>
#include <vector>

#include "base/results.h"

namespace skald {

/// Watches how far searches looked: a warning for each limit that made beams smaller than asked for in some
/// segments: the search's (max_active, the size of its tables), where it left less than two thirds of the
/// beam, and the word lattice's (max_elements), whatever it left. The time is that of the segment where it
/// mattered most. Effective beams of 0 count as not known. Not thread safe.
class BeamWarnings {
 public:
  /// What was asked for [nats].
  BeamWarnings(double beam, double lattice_beam) : beam_(beam), lattice_beam_(lattice_beam) {}

  void Add(const Segment& segment);
  std::vector<Warning> Warnings() const;

 private:
  /// Segments with less than what is tolerable.
  struct Short {
    int64_t segments = 0;
    double least = 0;
    double time_s = 0;  // of the segment with the least

    void Add(double effective, double tolerable, double start_s);
  };

  const double beam_, lattice_beam_;
  int64_t segments_ = 0;
  Short search_, lattice_;
};

}  // namespace skald
