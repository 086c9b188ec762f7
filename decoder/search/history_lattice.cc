#include "decoder/search/history_lattice.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

#include "base/check.h"
#include "decoder/search/search_costs.h"

namespace skald {
namespace {

/// Builds one lattice; holds the numbers of the states of the record before.
class Builder {
 public:
  Builder(const GraphImage& graph, const LinkHistory& history, float word_penalty, const BoostTable& boost)
      : graph_(graph), history_(history), word_penalty_(word_penalty), boost_(boost) {}

  RawLattice Build(std::span<const float> final_costs) {
    for (size_t r = 0; r < history_.record_count(); ++r) {
      AddStates(r);
      for (const TokenLink& link : history_.emitting_links(r))
        AddArc(before_[link.source], first_[link.destination], link);
      for (const TokenLink& link : history_.other_links(r))
        AddArc(first_[link.source], first_[link.destination], link);
      before_ = last_;
    }
    for (size_t t = 0; t < final_costs.size(); ++t) lattice_.states[last_[t]].final_cost = final_costs[t];
    lattice_.frames = history_.frames();
    SortArcs();
    return std::move(lattice_);
  }

 private:
  void AddStates(size_t r) {
    const std::span<const TokenKey> tokens = history_.tokens(r);
    std::vector<uint32_t> order(tokens.size());
    std::iota(order.begin(), order.end(), 0u);
    const auto place = [&](uint32_t token) {
      const TokenKey key = tokens[token];
      const StateHeader& header = graph_.header(BlockOf(key));
      return std::make_tuple(!IsEntry(key), IsEntry(key) ? header.epsilon_rank : uint16_t{0},
                             header.orig_state, BoostStateOf(key), UnitOf(key));
    };
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return place(a) < place(b); });

    first_.resize(tokens.size());
    int32_t frame = static_cast<int32_t>(history_.record(r).frame);
    for (const uint32_t token : order) first_[token] = AddState(frame, tokens[token]);
    last_ = first_;
    for (const float blank_cost : history_.collapsed_costs(r)) {
      ++frame;
      for (const uint32_t token : order) {
        if (IsEntry(tokens[token])) continue;
        const uint32_t state = AddState(frame, tokens[token]);
        AddArc(last_[token], state, TokenLink{0, 0, kBlankCell, 0, blank_cost});
        last_[token] = state;
      }
    }
  }

  uint32_t AddState(int32_t frame, TokenKey key) {
    RawLatticeState state;
    state.frame = frame;
    state.block = BlockOf(key);
    state.orig_state = graph_.header(state.block).orig_state;
    state.unit = UnitOf(key);
    state.boost = static_cast<uint16_t>(BoostStateOf(key));
    state.entry = IsEntry(key);
    lattice_.states.push_back(state);
    return static_cast<uint32_t>(lattice_.states.size() - 1);
  }

  void AddArc(uint32_t source, uint32_t destination, const TokenLink& link) {
    RawLatticeArc arc;
    arc.source = source;
    arc.destination = destination;
    arc.cell = link.cell;
    arc.acoustic_cost = link.acoustic_cost;
    if (link.cell == kRepeatCell) {
      arc.unit = lattice_.states[destination].unit;
    } else if (link.cell < kEntryCell) {
      const GraphArc& graph_arc = graph_.arc(link.cell);
      arc.unit = graph_arc.unit;
      arc.word = graph_arc.word;
      arc.flags = graph_arc.flags;
      arc.graph_cost = graph_arc.word != 0 ? graph_arc.cost + word_penalty_ : graph_arc.cost;
      if (graph_arc.word != 0 && boost_.states != nullptr) {
        arc.graph_cost += StepBoost(boost_, lattice_.states[source].boost, graph_arc.word).cost;
      }
    }
    lattice_.arcs.push_back(arc);
  }

  void SortArcs() {
    std::sort(lattice_.arcs.begin(), lattice_.arcs.end(), [](const RawLatticeArc& a, const RawLatticeArc& b) {
      return std::tie(a.source, a.destination, a.cell) < std::tie(b.source, b.destination, b.cell);
    });
    lattice_.first_arc.assign(lattice_.states.size() + 1, 0);
    for (const RawLatticeArc& arc : lattice_.arcs) ++lattice_.first_arc[arc.source + 1];
    std::partial_sum(lattice_.first_arc.begin(), lattice_.first_arc.end(), lattice_.first_arc.begin());
  }

  const GraphImage& graph_;
  const LinkHistory& history_;
  float word_penalty_;
  const BoostTable boost_;
  RawLattice lattice_;
  // Of the tokens of a record: the state before and after its run of collapsed frames; of the record before:
  // after.
  std::vector<uint32_t> first_, last_, before_;
};

}  // namespace

RawLattice FinishLattice(const GraphImage& graph, const SearchOptions& options, const BoostTable& boost,
                         std::span<const float> costs, float least_cost, float smallest_beam,
                         LinkHistory* history) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const size_t last = history->record_count() - 1;
  const std::span<const TokenKey> keys = history->tokens(last);
  SKALD_CHECK(keys.size() == costs.size(), "the last tokens and their costs differ in number");
  float best = kInfinity;
  for (size_t t = 0; t < keys.size(); ++t) best = std::min(best, costs[t] + FinalCost(graph, boost, keys[t]));
  const bool partial = best == kInfinity;
  if (partial) best = least_cost;
  const auto final_cost = [&](TokenKey key) {
    return partial && !IsEntry(key) ? 0.0f : FinalCost(graph, boost, key);
  };
  std::vector<float> extra_cost(keys.size(), kInfinity);
  for (size_t t = 0; t < keys.size(); ++t) {
    if (!IsEntry(keys[t])) extra_cost[t] = (costs[t] + final_cost(keys[t])) - best;
  }
  history->PruneAll(extra_cost);

  std::vector<float> final_costs;
  for (const TokenKey key : history->tokens(last)) final_costs.push_back(final_cost(key));
  RawLattice lattice = Builder(graph, *history, options.word_penalty, boost).Build(final_costs);
  lattice.partial = partial;
  lattice.lattice_beam = options.lattice_beam;
  lattice.smallest_beam = smallest_beam;
  return lattice;
}

}  // namespace skald
