#include "canonical_reference.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>

namespace skald::test {
namespace {

/// (entry, state, unit), ordered so that entry states come first and by number: RandomGraph's epsilon arcs
/// lead to greater numbers, so this is an order of ranks.
struct Token {
  bool proper;
  uint32_t state;
  uint16_t unit;
  auto operator<=>(const Token&) const = default;
};

struct Link {
  Token source, destination;
  const GraphImageBuilder::Arc* arc;  // null: blank, repeat or entry
  float cost;                         // through this link
  float acoustic;
  bool emitting;
};

struct Frame {
  std::map<Token, float> cost;
  std::vector<Link> links;
  std::map<Token, float> extra;
};

class Reference {
 public:
  Reference(const TestGraph& graph, ScoreView nll, const SearchOptions& options)
      : graph_(graph), nll_(nll), options_(options) {}

  RawLattice Run(int* frames_bound) {
    frames_.resize(static_cast<size_t>(nll_.rows) + 1);
    frames_[0].cost[EntryOrProper(graph_.start, 0)] = 0;
    FollowEpsilons(&frames_[0], [&](float cost) { return cost < options_.beam; });
    for (int64_t t = 0; t < nll_.rows; ++t) Step(t, frames_bound);
    return Lattice();
  }

 private:
  bool HasEpsilons(uint32_t state) const {
    const auto& arcs = graph_.states[state].arcs;
    return std::any_of(arcs.begin(), arcs.end(), [](const auto& arc) { return arc.unit == 0; });
  }
  Token EntryOrProper(uint32_t state, uint16_t unit) const { return {!HasEpsilons(state), state, unit}; }
  float Weight(const GraphImageBuilder::Arc& arc) const {
    return arc.word != 0 ? arc.cost + options_.word_penalty : arc.cost;
  }
  static void Lower(std::map<Token, float>* costs, const Token& token, float cost) {
    float& best = costs->emplace(token, cost).first->second;
    best = std::min(best, cost);
  }

  template <typename Keeps>
  void FollowEpsilons(Frame* frame, Keeps keeps) {
    for (auto it = frame->cost.begin(); it != frame->cost.end() && !it->first.proper; ++it) {
      const auto [token, cost] = *it;
      const auto add = [&](const Token& next, const GraphImageBuilder::Arc* arc, float next_cost) {
        if (!keeps(next_cost)) return;
        Lower(&frame->cost, next, next_cost);
        frame->links.push_back({token, next, arc, next_cost, 0, false});
      };
      for (const auto& arc : graph_.states[token.state].arcs) {
        if (arc.unit == 0) add(EntryOrProper(arc.next_state, token.unit), &arc, cost + Weight(arc));
      }
      add({true, token.state, token.unit}, nullptr, cost);
    }
  }

  void Step(int64_t t, int* frames_bound) {
    std::vector<float> costs;
    for (const auto& [token, cost] : frames_[t].cost) {
      if (token.proper) costs.push_back(cost);
    }
    std::sort(costs.begin(), costs.end());
    const float best = costs[0];
    float cut = best + options_.beam, width = options_.beam;
    const size_t limit = static_cast<size_t>(options_.max_active);
    bool bound = false;
    if (costs.size() > limit && costs[limit - 1] < cut) {
      cut = costs[limit - 1];
      width = cut - best + 0.5f;
      bound = true;
    } else if (options_.min_active > 0) {
      const size_t least_count = static_cast<size_t>(options_.min_active);
      if (costs.size() <= least_count) {
        cut = width = INFINITY;
      } else if (costs[least_count] > cut) {
        cut = costs[least_count];
        width = cut - best + 0.5f;
      }
    }
    std::vector<Link> links;
    for (const auto& [token, cost] : frames_[t].cost) {
      if (!token.proper || cost > cut) continue;
      const auto score = [&](uint16_t unit) { return (nll_(t, unit) - nll_(t, 0)) - best; };
      links.push_back({token, {true, token.state, 0}, nullptr, cost + (0.0f + score(0)), nll_(t, 0), true});
      if (token.unit != 0) {
        links.push_back(
            {token, token, nullptr, cost + (0.0f + score(token.unit)), nll_(t, token.unit), true});
      }
      for (const auto& arc : graph_.states[token.state].arcs) {
        if (arc.unit == 0 || arc.unit == token.unit) continue;
        links.push_back({token, EntryOrProper(arc.next_state, arc.unit), &arc,
                         cost + (Weight(arc) + score(arc.unit)), nll_(t, arc.unit), true});
      }
    }
    float least = INFINITY;
    for (const Link& link : links) least = std::min(least, link.cost);
    std::erase_if(links, [&](const Link& link) { return !(link.cost < least + width); });

    int last_bin = 2047;
    const auto bin = [&](float cost) {
      return std::min(2047, static_cast<int>((cost - least) * (2048.0f / width)));
    };
    const size_t cap = static_cast<size_t>(options_.max_arcs_per_frame);
    if (links.size() > cap) {
      bound = true;
      std::vector<size_t> count(2048, 0);
      for (const Link& link : links) ++count[static_cast<size_t>(bin(link.cost))];
      std::partial_sum(count.begin(), count.end(), count.begin());
      while (last_bin > 0 && count[static_cast<size_t>(last_bin)] > cap) --last_bin;
      std::erase_if(links, [&](const Link& link) { return bin(link.cost) > last_bin; });
      if (links.size() > cap) {
        // Costs of random graphs have no ties, so the order by cost alone decides.
        std::sort(links.begin(), links.end(), [](const Link& a, const Link& b) { return a.cost < b.cost; });
        links.resize(cap);
      }
    }
    Frame& next = frames_[t + 1];
    for (const Link& link : links) Lower(&next.cost, link.destination, link.cost);
    next.links = std::move(links);
    FollowEpsilons(&next, [&](float cost) { return cost < least + width && bin(cost) <= last_bin; });
    if (bound && frames_bound != nullptr) ++*frames_bound;
  }

  float FinalCost(const Token& token) const {
    return token.proper ? graph_.states[token.state].final_cost : INFINITY;
  }

  RawLattice Lattice() {
    Frame& last = frames_.back();
    float best = INFINITY, least = INFINITY;
    for (const auto& [token, cost] : last.cost) {
      best = std::min(best, cost + FinalCost(token));
      if (token.proper) least = std::min(least, cost);
    }
    RawLattice lattice;
    lattice.partial = best == INFINITY;
    for (const auto& [token, cost] : last.cost) {
      if (!token.proper) continue;
      last.extra[token] = lattice.partial ? cost - least : (cost + FinalCost(token)) - best;
    }
    std::map<std::pair<size_t, Token>, uint32_t> number;
    const auto state = [&](size_t frame, const Token& token) {
      const auto [place, is_new] = number.emplace(std::pair(frame, token), lattice.states.size());
      if (is_new) {
        RawLatticeState entry;
        entry.frame = static_cast<int32_t>(frame);
        entry.orig_state = token.state;
        entry.unit = token.unit;
        entry.entry = !token.proper;
        if (frame + 1 == frames_.size() && token.proper) {
          entry.final_cost = lattice.partial ? 0.0f : FinalCost(token);
        }
        lattice.states.push_back(entry);
      }
      return place->second;
    };
    for (const auto& [token, extra] : last.extra) {
      if (extra <= options_.lattice_beam && extra < INFINITY) state(frames_.size() - 1, token);
    }
    for (size_t f = frames_.size(); f-- > 0;) {
      Frame& frame = frames_[f];
      // Last links first: those from states of high rank, then the emitting ones.
      for (auto link = frame.links.rbegin(); link != frame.links.rend(); ++link) {
        const auto after = frame.extra.find(link->destination);
        if (after == frame.extra.end()) continue;
        const float extra = after->second + (link->cost - frame.cost.at(link->destination));
        if (!(extra <= options_.lattice_beam)) continue;
        Frame& before = link->emitting ? frames_[f - 1] : frame;
        Lower(&before.extra, link->source, extra);
        RawLatticeArc arc;
        arc.source = state(link->emitting ? f - 1 : f, link->source);
        arc.destination = state(f, link->destination);
        arc.acoustic_cost = link->acoustic;
        if (link->arc != nullptr) {
          arc.word = link->arc->word;
          arc.graph_cost = Weight(*link->arc);
        }
        lattice.arcs.push_back(arc);
      }
    }
    return lattice;
  }

  const TestGraph& graph_;
  const ScoreView nll_;
  const SearchOptions options_;
  std::vector<Frame> frames_;
};

}  // namespace

RawLattice CanonicalReference(const TestGraph& graph, ScoreView nll, const SearchOptions& options,
                              int* frames_bound) {
  return Reference(graph, nll, options).Run(frames_bound);
}

}  // namespace skald::test
