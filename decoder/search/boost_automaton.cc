#include "decoder/search/boost_automaton.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

namespace skald {
namespace {

/// A beginning of some phrases.
struct Node {
  std::map<uint32_t, uint32_t> children;  ///< by word
  uint32_t failure = 0;                   ///< longest proper suffix that is a node
  double weight = 0;                      ///< of the phrase that ends here
  double complete = 0;                    ///< of all phrases that end here, suffixes included
  double held = 0;                        ///< paid in advance for phrases that go on
};

Status CheckPhrase(const BoostPhrase& phrase) {
  if (phrase.words.empty()) return Status::InvalidArgument("a phrase without words cannot be boosted");
  if (std::find(phrase.words.begin(), phrase.words.end(), 0u) != phrase.words.end()) {
    return Status::InvalidArgument("a boosted phrase names word 0");
  }
  if (!(std::abs(phrase.weight) <= 1000))
    return Status::InvalidArgument("a boost must lie within +-1000 nats");
  return Status::Ok();
}

}  // namespace

StatusOr<BoostAutomaton> BoostAutomaton::Build(std::span<const BoostPhrase> phrases) {
  std::vector<Node> nodes(1);
  std::vector<std::vector<uint32_t>> paths(phrases.size());  // nodes of each phrase, the first word's first
  for (size_t p = 0; p < phrases.size(); ++p) {
    if (Status status = CheckPhrase(phrases[p]); !status.ok()) {
      return std::move(status).At("phrase " + std::to_string(p));
    }
    uint32_t node = 0;
    for (const uint32_t word : phrases[p].words) {
      const auto [child, fresh] = nodes[node].children.emplace(word, static_cast<uint32_t>(nodes.size()));
      node = child->second;
      if (fresh) nodes.emplace_back();
      if (nodes.size() > kMaxStates) {
        return Status::ResourceExhausted("too many phrases are boosted: they have more than " +
                                         std::to_string(kMaxStates) + " different beginnings");
      }
      paths[p].push_back(node);
    }
    nodes[node].weight += double{phrases[p].weight};
  }
  for (const std::vector<uint32_t>& path : paths) {
    const double weight = nodes[path.back()].weight;  // of all phrases with these words
    for (size_t i = 0; i + 1 < path.size(); ++i) {
      const double share = weight * static_cast<double>(i + 1) / static_cast<double>(path.size());
      nodes[path[i]].held = std::max(nodes[path[i]].held, std::min(share, BoostAutomaton::kMostHeld));
    }
  }

  // Breadth first: failures are shorter, so they are complete before they are asked for.
  std::vector<uint32_t> order{0};
  for (size_t i = 0; i < order.size(); ++i) {
    const uint32_t node = order[i];
    for (const auto& [word, child] : nodes[node].children) {
      uint32_t suffix = nodes[node].failure;
      while (suffix != 0 && !nodes[suffix].children.contains(word)) suffix = nodes[suffix].failure;
      const auto found = nodes[suffix].children.find(word);
      if (node != 0 && found != nodes[suffix].children.end()) nodes[child].failure = found->second;
      nodes[child].complete = nodes[child].weight + nodes[nodes[child].failure].complete;
      order.push_back(child);
    }
  }

  BoostAutomaton automaton;
  for (const Node& node : nodes) {
    BoostState state{static_cast<uint32_t>(automaton.arcs_.size()), 0, static_cast<float>(node.held)};
    // A node goes on with its own children and those of its suffixes; the root's are looked up there.
    std::map<uint32_t, uint32_t> next = node.children;
    for (uint32_t suffix = node.failure; suffix != 0; suffix = nodes[suffix].failure) {
      next.insert(nodes[suffix].children.begin(), nodes[suffix].children.end());
    }
    for (const auto& [word, child] : next) {
      const double paid = nodes[child].complete + nodes[child].held - node.held;
      automaton.arcs_.push_back({word, child, static_cast<float>(-paid)});
      automaton.least_cost_ = std::min(automaton.least_cost_, automaton.arcs_.back().cost);
    }
    state.arc_count = static_cast<uint32_t>(automaton.arcs_.size()) - state.first_arc;
    automaton.states_.push_back(state);
  }
  return automaton;
}

}  // namespace skald
