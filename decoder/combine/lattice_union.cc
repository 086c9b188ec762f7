#include "decoder/combine/lattice_union.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <utility>

#include "base/check.h"
#include "decoder/lattice/nbest.h"

namespace skald {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr uint32_t kNoArc = std::numeric_limits<uint32_t>::max();
/// Expected errors that differ by less are equal.
constexpr double kLeastGain = 1e-9;

double LogAdd(double a, double b) {
  if (a > b) std::swap(a, b);
  return b == kInfinity ? a : a - std::log1p(std::exp(a - b));
}

int32_t CommonFrame(double time_s) {
  return static_cast<int32_t>(std::llround(time_s * kCommonFramesPerSecond));
}

/// Sorts arcs by (source, word) and finds the first of each node.
void IndexArcs(WordLattice* lattice) {
  std::stable_sort(lattice->arcs.begin(), lattice->arcs.end(), [](const auto& a, const auto& b) {
    return a.source != b.source ? a.source < b.source : a.word < b.word;
  });
  lattice->first_arc.assign(lattice->nodes.size() + 1, 0);
  for (const WordLatticeArc& arc : lattice->arcs) ++lattice->first_arc[arc.source + 1];
  for (size_t n = 0; n < lattice->nodes.size(); ++n) lattice->first_arc[n + 1] += lattice->first_arc[n];
}

/// -log of the sum over complete paths of exp(-scale * cost).
double TotalCost(const WordLattice& lattice, double scale) {
  std::vector<double> forward(lattice.nodes.size(), kInfinity);
  if (!forward.empty()) forward[0] = 0;
  double total = kInfinity;
  for (uint32_t n = 0; n < lattice.nodes.size(); ++n) {
    for (const WordLatticeArc& arc : lattice.arcs_of(n)) {
      forward[arc.destination] = LogAdd(forward[arc.destination], forward[n] + scale * arc.cost());
    }
    total = LogAdd(total, forward[n] + scale * lattice.nodes[n].final_cost());
  }
  return total;
}

struct Union {
  WordLattice lattice;
  /// Of each system that takes part its first node but the start, and one for the end.
  std::vector<uint32_t> first_node;
  std::vector<double> no_word_cost;  ///< of each system that takes part; +infinity where it says something
};

/// The best path of each system that takes part.
std::vector<std::vector<uint32_t>> BestPaths(const Union& all) {
  const WordLattice& lattice = all.lattice;
  std::vector<double> to_end(lattice.nodes.size(), kInfinity);
  std::vector<uint32_t> next(lattice.nodes.size(), kNoArc);
  for (auto n = static_cast<uint32_t>(lattice.nodes.size()); n-- > 1;) {
    to_end[n] = lattice.nodes[n].final_cost();
    for (uint32_t a = lattice.first_arc[n]; a < lattice.first_arc[n + 1]; ++a) {
      const double cost = lattice.arcs[a].cost() + to_end[lattice.arcs[a].destination];
      if (!(cost < to_end[n])) continue;
      to_end[n] = cost;
      next[n] = a;
    }
  }
  std::vector<std::vector<uint32_t>> paths;
  for (size_t k = 0; k + 1 < all.first_node.size(); ++k) {
    uint32_t arc = kNoArc;
    double best = all.no_word_cost[k];
    for (uint32_t a = lattice.first_arc[0]; a < lattice.first_arc[1]; ++a) {
      const uint32_t to = lattice.arcs[a].destination;
      if (to < all.first_node[k] || to >= all.first_node[k + 1]) continue;
      if (!(lattice.arcs[a].cost() + to_end[to] < best)) continue;
      best = lattice.arcs[a].cost() + to_end[to];
      arc = a;
    }
    paths.emplace_back();
    for (; arc != kNoArc; arc = next[lattice.arcs[arc].destination]) paths.back().push_back(arc);
  }
  return paths;
}

Union Unite(std::span<const WeightedLattice> systems) {
  Union result;
  WordLattice& all = result.lattice;
  all.effective_beam = std::numeric_limits<float>::infinity();
  double all_weight = 0;
  std::vector<double> totals;
  for (const WeightedLattice& system : systems) {
    SKALD_CHECK(system.weight >= 0 && system.scale > 0, "weights and scales of systems are in range");
    totals.push_back(system.weight > 0 ? TotalCost(*system.lattice, system.scale) : kInfinity);
    if (totals.back() != kInfinity) all_weight += system.weight;
  }
  if (all_weight == 0) return result;

  all.nodes.resize(1);
  double no_word_cost = kInfinity;
  for (size_t k = 0; k < systems.size(); ++k) {
    if (totals[k] == kInfinity) continue;
    const WordLattice& lattice = *systems[k].lattice;
    const double scale = systems[k].scale;
    // What the paths of this system cost on top, so that they sum to its share of the weights.
    const double start_cost = -std::log(systems[k].weight / all_weight) - totals[k];
    const auto offset = static_cast<uint32_t>(all.nodes.size()) - 1;
    result.first_node.push_back(offset + 1);
    for (size_t n = 0; n < lattice.nodes.size(); ++n) {
      WordLatticeNode node = lattice.nodes[n];
      node.final_graph_cost *= scale;
      node.final_acoustic_cost *= scale;
      if (n == 0) {
        result.no_word_cost.push_back(start_cost + node.final_cost());
        no_word_cost = LogAdd(no_word_cost, result.no_word_cost.back());
      } else {
        all.nodes.push_back(node);
      }
    }
    for (WordLatticeArc arc : lattice.arcs) {
      arc.graph_cost = scale * arc.graph_cost + (arc.source == 0 ? start_cost : 0.0);
      arc.acoustic_cost *= scale;
      arc.source = arc.source == 0 ? 0 : arc.source + offset;
      arc.destination += offset;
      all.arcs.push_back(arc);
    }
    all.frames = std::max(all.frames, lattice.frames);
    all.partial = all.partial || lattice.partial;
    all.effective_beam = std::min(all.effective_beam, lattice.effective_beam);
  }
  result.first_node.push_back(static_cast<uint32_t>(all.nodes.size()));
  all.nodes[0].final_graph_cost = no_word_cost;
  IndexArcs(&all);
  return result;
}

}  // namespace

StatusOr<WordLattice> OnCommonClock(const WordLattice& lattice, double start_s, double frame_shift_s,
                                    std::span<const uint32_t> word_numbers) {
  const auto moved = [&](int64_t frame) {
    return CommonFrame(start_s + static_cast<double>(frame) * frame_shift_s);
  };
  WordLattice common;
  for (WordLatticeNode node : lattice.nodes) {
    node.frame = moved(node.frame);
    common.nodes.push_back(node);
  }
  for (WordLatticeArc arc : lattice.arcs) {
    if (arc.word >= word_numbers.size() || (arc.word != 0 && word_numbers[arc.word] == 0)) {
      return Status::InvalidArgument(fmt::format("the word table has no word {}", arc.word));
    }
    arc.word = word_numbers[arc.word];
    arc.start_frame = moved(arc.start_frame);
    arc.end_frame = moved(arc.end_frame);
    common.arcs.push_back(arc);
  }
  IndexArcs(&common);
  common.frames = moved(lattice.frames);
  common.partial = lattice.partial;
  common.effective_beam = lattice.effective_beam;
  return common;
}

WordLattice LatticeOfWords(std::span<const SystemWord> words) {
  WordLattice lattice;
  lattice.effective_beam = std::numeric_limits<float>::infinity();
  lattice.nodes.resize(words.size() + 1);
  for (uint32_t i = 0; i < words.size(); ++i) {
    WordLatticeArc arc;
    arc.source = i;
    arc.destination = i + 1;
    arc.word = words[i].word;
    arc.start_frame = CommonFrame(words[i].start_s);
    arc.end_frame = CommonFrame(words[i].end_s);
    lattice.nodes[i + 1].frame = arc.end_frame;
    lattice.arcs.push_back(arc);
  }
  lattice.nodes.back().final_graph_cost = 0;
  lattice.frames = lattice.nodes.back().frame;
  IndexArcs(&lattice);
  return lattice;
}

WordLattice ConcatenateLattices(std::span<const WordLattice> lattices) {
  WordLattice joined;
  for (const WordLattice& next : lattices) {
    if (next.nodes.empty()) continue;
    if (joined.nodes.empty()) {
      joined = next;
      continue;
    }
    // The start of `next` falls together with every final node so far: arcs of the start leave from there.
    const auto offset = static_cast<uint32_t>(joined.nodes.size()) - 1;
    for (uint32_t n = 0; n <= offset; ++n) {
      WordLatticeNode& node = joined.nodes[n];
      if (!node.is_final()) continue;
      for (WordLatticeArc arc : next.arcs_of(0)) {
        arc.source = n;
        arc.destination += offset;
        arc.graph_cost += node.final_graph_cost;
        arc.acoustic_cost += node.final_acoustic_cost;
        joined.arcs.push_back(arc);
      }
      node.final_graph_cost += next.nodes[0].final_graph_cost;
      node.final_acoustic_cost += next.nodes[0].final_acoustic_cost;
    }
    joined.nodes.insert(joined.nodes.end(), next.nodes.begin() + 1, next.nodes.end());
    for (WordLatticeArc arc : next.arcs) {
      if (arc.source == 0) continue;
      arc.source += offset;
      arc.destination += offset;
      joined.arcs.push_back(arc);
    }
    joined.frames = next.frames;
    joined.partial = next.partial;
    joined.effective_beam = std::min(joined.effective_beam, next.effective_beam);
    IndexArcs(&joined);
  }
  return joined;
}

WordLattice UnionOfLattices(std::span<const WeightedLattice> systems) { return Unite(systems).lattice; }

ConfusionNetwork NetworkOfUnion(std::span<const WeightedLattice> systems, const MbrOptions& options) {
  const Union all = Unite(systems);
  std::optional<ConfusionNetwork> best;
  for (const std::vector<uint32_t>& path : BestPaths(all)) {
    MbrOptions from_path = options;
    from_path.start_path = path;
    ConfusionNetwork network = BuildConfusionNetwork(all.lattice, from_path);
    if (!best || network.expected_errors < best->expected_errors - kLeastGain) best = std::move(network);
  }
  return best ? *std::move(best) : ConfusionNetwork();
}

std::vector<SystemWord> CombineByMbr(std::span<const WeightedLattice> systems, const MbrOptions& options) {
  std::vector<SystemWord> words;
  for (const ConfidentWord& word : NetworkOfUnion(systems, options).words) {
    words.push_back({word.word, word.start_frame / kCommonFramesPerSecond,
                     word.end_frame / kCommonFramesPerSecond, word.confidence});
  }
  return words;
}

size_t MbrCells(std::span<const WeightedLattice> systems) {
  size_t nodes = 0, words = 0;
  for (const WeightedLattice& system : systems) {
    if (system.weight == 0) continue;
    nodes += system.lattice->nodes.size();
    const std::vector<WordPath> best = NBest(*system.lattice, 1);
    if (!best.empty()) words = std::max(words, best[0].arcs.size());
  }
  return nodes * (2 * words + 2);
}

}  // namespace skald
