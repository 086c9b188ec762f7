#include "decoder/lattice/forward_backward.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace skald {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// -log(exp(-a) + exp(-b)).
double LogAdd(double a, double b) {
  if (a > b) std::swap(a, b);
  return b == kInfinity ? a : a - std::log1p(std::exp(a - b));
}

}  // namespace

LatticePosteriors ForwardBackward(const RawLattice& lattice, double scale) {
  const size_t states = lattice.states.size();
  const auto cost = [&](const RawLatticeArc& arc) {
    return scale * (double{arc.graph_cost} + double{arc.acoustic_cost});
  };
  LatticePosteriors result;
  result.forward.assign(states, kInfinity);
  result.backward.assign(states, kInfinity);
  if (states == 0) return result;
  result.forward[0] = 0;
  for (const RawLatticeArc& arc : lattice.arcs) {
    double& sum = result.forward[arc.destination];
    sum = LogAdd(sum, result.forward[arc.source] + cost(arc));
  }
  for (size_t state = states; state-- > 0;) {
    double sum = scale * double{lattice.states[state].final_cost};
    for (const RawLatticeArc& arc : lattice.arcs_of(static_cast<uint32_t>(state))) {
      sum = LogAdd(sum, result.backward[arc.destination] + cost(arc));
    }
    result.backward[state] = sum;
  }
  result.total = result.backward[0];
  result.arc_posterior.reserve(lattice.arcs.size());
  for (const RawLatticeArc& arc : lattice.arcs) {
    const double through = result.forward[arc.source] + cost(arc) + result.backward[arc.destination];
    result.arc_posterior.push_back(std::min(1.0, std::exp(result.total - through)));
  }
  return result;
}

}  // namespace skald
