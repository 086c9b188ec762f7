#include "engine/beam_warnings.h"

#include <fmt/format.h>

namespace skald {
namespace {

/// A search that looks two thirds as far in some frame hardly misses anything.
constexpr double kTolerableShare = 2.0 / 3.0;

}  // namespace

void BeamWarnings::Short::Add(double effective, double tolerable, double start_s) {
  if (!(effective > 0) || effective >= tolerable) return;
  if (segments++ > 0 && effective >= least) return;
  least = effective;
  time_s = start_s;
}

void BeamWarnings::Add(const Segment& segment) {
  ++segments_;
  search_.Add(segment.effective_beam, kTolerableShare * beam_, segment.start_s);
  lattice_.Add(segment.effective_lattice_beam, lattice_beam_, segment.start_s);
}

std::vector<Warning> BeamWarnings::Warnings() const {
  std::vector<Warning> warnings;
  const auto warn = [&](const Short& counted, double asked, const char* what) {
    if (counted.segments == 0) return;
    warnings.push_back(
        {counted.time_s, fmt::format("{} in {} of {} segments, at worst to an effective beam of {:.2f} "
                                     "where {:g} was asked for",
                                     what, counted.segments, segments_, counted.least, asked)});
  };
  warn(search_, beam_, "max_active kept the search from looking as far as its beam");
  warn(lattice_, lattice_beam_, "word lattices were cut short");
  return warnings;
}

}  // namespace skald
