#include "engine/beam_warnings.h"

#include <fmt/format.h>

namespace skald {
namespace {

/// A search that looks two thirds as far in some frame hardly misses anything.
constexpr double kTolerableShare = 2.0 / 3.0;

void AddWarning(std::span<const Segment> segments, double Segment::*effective, double asked, double tolerable,
                const char* what, std::vector<Warning>* warnings) {
  const Segment* least = nullptr;
  int count = 0;
  for (const Segment& segment : segments) {
    if (!(segment.*effective > 0) || segment.*effective >= tolerable) continue;
    ++count;
    if (least == nullptr || segment.*effective < least->*effective) least = &segment;
  }
  if (least == nullptr) return;
  warnings->push_back(
      {least->start_s, fmt::format("{} in {} of {} segments, at worst to an effective beam of {:.2f} "
                                   "where {:g} was asked for",
                                   what, count, segments.size(), least->*effective, asked)});
}

}  // namespace

std::vector<Warning> BeamWarnings(std::span<const Segment> segments, double beam, double lattice_beam) {
  std::vector<Warning> warnings;
  AddWarning(segments, &Segment::effective_beam, beam, kTolerableShare * beam,
             "max_active kept the search from looking as far as its beam", &warnings);
  AddWarning(segments, &Segment::effective_lattice_beam, lattice_beam, lattice_beam,
             "word lattices were cut short", &warnings);
  return warnings;
}

}  // namespace skald
