#include "oracle.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace skald::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool HasEpsilons(const TestGraph& graph, uint32_t state) {
  return std::any_of(graph.states[state].arcs.begin(), graph.states[state].arcs.end(),
                     [](const auto& arc) { return arc.unit == 0; });
}

double Cost(const OracleArc& arc) { return double{arc.graph_cost} + double{arc.acoustic_cost}; }

}  // namespace

std::vector<OracleArc> Oracle::ArcsFrom(const OracleNode& node) const {
  std::vector<OracleArc> arcs;
  const auto weight = [&](const auto& arc) { return arc.word != 0 ? arc.cost + word_penalty_ : arc.cost; };
  if (node.entry) {
    arcs.push_back({node, {node.frame, node.state, node.unit, false}, 0, 0, 0, 0});
    for (const auto& arc : graph_.states[node.state].arcs) {
      if (arc.unit != 0) continue;
      arcs.push_back({node,
                      {node.frame, arc.next_state, node.unit, HasEpsilons(graph_, arc.next_state)},
                      arc.word,
                      weight(arc),
                      0,
                      0});
    }
    return arcs;
  }
  if (node.frame == nll_.rows) return arcs;
  const int32_t next = node.frame + 1;
  arcs.push_back({node, {next, node.state, 0, false}, 0, 0, nll_(node.frame, 0), 0});
  if (node.unit != 0) {
    arcs.push_back({node, {next, node.state, node.unit, false}, 0, 0, nll_(node.frame, node.unit), 0});
  }
  for (const auto& arc : graph_.states[node.state].arcs) {
    if (arc.unit == 0 || arc.unit == node.unit) continue;
    arcs.push_back({node,
                    {next, arc.next_state, arc.unit, HasEpsilons(graph_, arc.next_state)},
                    arc.word,
                    weight(arc),
                    nll_(node.frame, arc.unit),
                    0});
  }
  return arcs;
}

Oracle::Oracle(const TestGraph& graph, ScoreView nll, float word_penalty)
    : graph_(graph), nll_(nll), word_penalty_(word_penalty) {
  std::map<OracleNode, double> forward, backward;
  std::map<OracleNode, OracleArc> best_arc;
  std::vector<OracleArc> all;
  std::set<OracleNode> expanded;
  // Frame by frame; within a frame until nothing changes.
  std::vector<std::set<OracleNode>> frames(static_cast<size_t>(nll.rows) + 1);
  const OracleNode start{0, graph.start, 0, HasEpsilons(graph, graph.start)};
  forward[start] = 0;
  frames[0].insert(start);
  for (auto& nodes : frames) {
    for (bool changed = true; changed;) {
      changed = false;
      for (const OracleNode& node : std::vector<OracleNode>(nodes.begin(), nodes.end())) {
        const std::vector<OracleArc> arcs = ArcsFrom(node);
        if (expanded.insert(node).second) all.insert(all.end(), arcs.begin(), arcs.end());
        for (const OracleArc& arc : arcs) {
          frames[static_cast<size_t>(arc.destination.frame)].insert(arc.destination);
          const auto [place, is_new] = forward.emplace(arc.destination, kInfinity);
          if (forward[node] + Cost(arc) < place->second || is_new) {
            place->second = forward[node] + Cost(arc);
            best_arc[arc.destination] = arc;
            changed |= arc.destination.frame == node.frame;
          }
        }
      }
    }
  }

  const auto final_cost = [&](const OracleNode& node) -> double {
    return node.entry ? kInfinity : partial_ ? 0.0 : double{graph.states[node.state].final_cost};
  };
  const auto best_end = [&] {
    best_cost_ = kInfinity;
    OracleNode end = start;
    for (const OracleNode& node : frames.back()) {
      if (forward[node] + final_cost(node) < best_cost_) {
        best_cost_ = forward[node] + final_cost(node);
        end = node;
      }
    }
    return end;
  };
  OracleNode end = best_end();
  if (best_cost_ == kInfinity) {
    partial_ = true;
    end = best_end();
  }
  while (end != start) {
    const OracleArc& arc = best_arc.at(end);
    if (arc.word != 0) best_words_.insert(best_words_.begin(), arc.word);
    end = arc.source;
  }

  for (const OracleNode& node : frames.back()) backward[node] = final_cost(node);
  for (size_t t = frames.size(); t-- > 0;) {
    for (bool changed = true; changed;) {
      changed = false;
      for (const OracleNode& node : frames[t]) {
        double& best = backward.emplace(node, kInfinity).first->second;
        for (const OracleArc& arc : ArcsFrom(node)) {
          const auto next = backward.find(arc.destination);
          if (next == backward.end() || !(next->second + Cost(arc) < best)) continue;
          best = next->second + Cost(arc);
          changed = true;
        }
      }
    }
  }
  for (OracleArc& arc : all) {
    arc.best_through = forward[arc.source] + Cost(arc) + backward[arc.destination];
    if (arc.best_through < kInfinity) arcs_.push_back(arc);
  }
}

Enumeration EnumeratePaths(const TestGraph& graph, ScoreView nll) {
  // Sum and best over the alignments of each string of units.
  std::map<std::vector<int>, std::vector<double>> alignments;
  std::vector<int> alignment(static_cast<size_t>(nll.rows));
  std::function<void(int64_t, double)> align = [&](int64_t frame, double cost) {
    if (frame == nll.rows) {
      std::vector<int> string;
      for (size_t t = 0; t < alignment.size(); ++t) {
        if (alignment[t] != 0 && (t == 0 || alignment[t - 1] != alignment[t])) string.push_back(alignment[t]);
      }
      alignments[string].push_back(cost);
      return;
    }
    for (int unit = 0; unit < graph.units; ++unit) {
      alignment[static_cast<size_t>(frame)] = unit;
      align(frame + 1, cost + double{nll(frame, unit)});
    }
  };
  align(0, 0.0);

  Enumeration result;
  double sum = 0;
  for (const auto& [string, costs] : alignments) {
    std::vector<uint32_t> words;
    std::function<void(uint32_t, size_t, double)> walk = [&](uint32_t state, size_t done, double cost) {
      const double final_cost = graph.states[state].final_cost;
      if (done == string.size() && final_cost < kInfinity) {
        for (const double acoustic : costs) {
          const double total = cost + final_cost + acoustic;
          const auto place = result.best_cost_of_words.emplace(words, kInfinity).first;
          place->second = std::min(place->second, total);
          sum += std::exp(-total);
          ++result.pairs;
        }
      }
      for (const auto& arc : graph.states[state].arcs) {
        if (arc.unit != 0 && (done == string.size() || string[done] != arc.unit)) continue;
        if (arc.word != 0) words.push_back(arc.word);
        walk(arc.next_state, done + (arc.unit != 0), cost + double{arc.cost});
        if (arc.word != 0) words.pop_back();
      }
    };
    walk(graph.start, 0, 0.0);
  }
  result.log_sum = -std::log(sum);
  return result;
}

}  // namespace skald::test
