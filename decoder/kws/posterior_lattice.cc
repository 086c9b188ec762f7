#include "decoder/kws/posterior_lattice.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

namespace skald {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// -log(exp(-a) + exp(-b)).
double LogAdd(double a, double b) {
  if (a > b) std::swap(a, b);
  return b == kInfinity ? a : a - std::log1p(std::exp(a - b));
}

/// The arcs of the cheapest path; of two equal ones that with the earlier arcs.
std::vector<bool> BestPathArcs(const WordLattice& lattice) {
  std::vector<double> to_end(lattice.nodes.size());
  for (size_t n = lattice.nodes.size(); n-- > 0;) {
    to_end[n] = lattice.nodes[n].final_cost();
    for (const WordLatticeArc& arc : lattice.arcs_of(static_cast<uint32_t>(n))) {
      to_end[n] = std::min(to_end[n], arc.cost() + to_end[arc.destination]);
    }
  }
  std::vector<bool> best(lattice.arcs.size());
  for (uint32_t n = 0; to_end[n] < lattice.nodes[n].final_cost();) {
    for (uint32_t a = lattice.first_arc[n]; a < lattice.first_arc[n + 1]; ++a) {
      const WordLatticeArc& arc = lattice.arcs[a];
      if (arc.cost() + to_end[arc.destination] != to_end[n]) continue;
      best[a] = true;
      n = arc.destination;
      break;
    }
  }
  return best;
}

/// Joins nodes from which everything goes on in the same way, from the last node to the first, and numbers
/// the nodes that are in use anew.
PosteriorLattice Merge(PosteriorLattice lattice, double tolerance) {
  const size_t count = lattice.nodes.size();
  std::vector<uint32_t> first_arc(count + 1, 0);
  for (const auto& arc : lattice.arcs) ++first_arc[arc.source + 1];
  for (size_t n = 0; n < count; ++n) first_arc[n + 1] += first_arc[n];

  using Future = std::tuple<uint32_t, uint32_t, int32_t, int32_t, int64_t>;
  std::map<std::pair<int32_t, std::vector<Future>>, uint32_t> known;
  std::vector<uint32_t> merged(count);
  std::vector<bool> entered(count);
  for (const auto& arc : lattice.arcs) entered[arc.destination] = true;
  const auto in_use = [&](size_t n) { return entered[n] || first_arc[n] != first_arc[n + 1]; };
  for (size_t n = count; n-- > 0;) {
    if (!in_use(n)) continue;
    std::vector<Future> future;
    for (uint32_t a = first_arc[n]; a < first_arc[n + 1]; ++a) {
      const auto& arc = lattice.arcs[a];
      const int64_t cost = tolerance > 0 ? std::llround(-std::log(arc.conditional) / tolerance) : a;
      future.emplace_back(arc.word, merged[arc.destination], arc.start_frame, arc.end_frame, cost);
    }
    std::sort(future.begin(), future.end());
    const auto [place, is_new] =
        known.try_emplace({lattice.nodes[n].frame, std::move(future)}, static_cast<uint32_t>(n));
    merged[n] = place->second;
    if (is_new) continue;
    lattice.nodes[merged[n]].posterior += lattice.nodes[n].posterior;
    for (uint32_t a = first_arc[n]; a < first_arc[n + 1]; ++a) {
      if (!lattice.arcs[a].on_best_path) continue;
      const auto same = [&](const PosteriorLattice::Arc& other) {
        return other.word == lattice.arcs[a].word && other.start_frame == lattice.arcs[a].start_frame &&
               other.end_frame == lattice.arcs[a].end_frame &&
               merged[other.destination] == merged[lattice.arcs[a].destination];
      };
      const auto end = lattice.arcs.begin() + first_arc[merged[n] + 1];
      const auto twin = std::find_if(lattice.arcs.begin() + first_arc[merged[n]], end, same);
      SKALD_CHECK(twin != end, "nodes of the same future have different arcs");
      twin->on_best_path = true;
    }
  }

  PosteriorLattice result;
  std::vector<uint32_t> number(count);
  for (size_t n = 0; n < count; ++n) {
    if (!in_use(n) || merged[n] != n) continue;
    number[n] = static_cast<uint32_t>(result.nodes.size());
    result.nodes.push_back({lattice.nodes[n].frame, std::min(1.0, lattice.nodes[n].posterior)});
  }
  for (auto arc : lattice.arcs) {
    if (merged[arc.source] != arc.source) continue;
    arc.source = number[arc.source];
    arc.destination = number[merged[arc.destination]];
    result.arcs.push_back(arc);
  }
  return result;
}

}  // namespace

Status PosteriorLatticeOptions::Validate() const {
  if (!(scale > 0 && scale <= 100))
    return Status::InvalidArgument("the posterior scale must be within 0 to 100");
  if (!(floor >= 1e-6 && floor <= 0.5)) {
    return Status::InvalidArgument("the posterior floor must be within 1e-6 to 0.5");
  }
  return Status::Ok();
}

PosteriorLattice MakePosteriorLattice(const WordLattice& lattice, const PosteriorLatticeOptions& options,
                                      double merge_tolerance) {
  const size_t count = lattice.nodes.size();
  if (count == 0) return {};
  std::vector<double> forward(count, kInfinity), backward(count);
  forward[0] = 0;
  for (const WordLatticeArc& arc : lattice.arcs) {
    double& sum = forward[arc.destination];
    sum = LogAdd(sum, forward[arc.source] + options.scale * arc.cost());
  }
  for (size_t n = count; n-- > 0;) {
    double sum = options.scale * lattice.nodes[n].final_cost();
    for (const WordLatticeArc& arc : lattice.arcs_of(static_cast<uint32_t>(n))) {
      sum = LogAdd(sum, backward[arc.destination] + options.scale * arc.cost());
    }
    backward[n] = sum;
  }

  PosteriorLattice result;
  for (size_t n = 0; n < count; ++n) {
    const double posterior = std::exp(backward[0] - forward[n] - backward[n]);
    result.nodes.push_back({lattice.nodes[n].frame, std::min(1.0, posterior)});
  }
  const std::vector<bool> best = BestPathArcs(lattice);
  for (size_t a = 0; a < lattice.arcs.size(); ++a) {
    const WordLatticeArc& arc = lattice.arcs[a];
    const double to_end = options.scale * arc.cost() + backward[arc.destination];
    const double posterior = std::exp(backward[0] - forward[arc.source] - to_end);
    if (!best[a] && !(posterior >= options.floor)) continue;
    result.arcs.push_back({arc.source, arc.destination, arc.word, arc.start_frame, arc.end_frame,
                           std::min(1.0, std::exp(backward[arc.source] - to_end)), best[a]});
  }
  return Merge(std::move(result), merge_tolerance);
}

}  // namespace skald
