#include "decoder/lattice/word_segments.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <map>
#include <queue>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/graph_cell.h"

namespace skald {
namespace {

constexpr uint32_t kNone = 0xFFFFFFFFu;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// As BestPath sees it.
bool StartsWord(const RawLatticeArc& arc) {
  return arc.unit != 0 && arc.cell != kRepeatCell && (arc.flags & kArcWordStart) != 0;
}

int64_t Rounded(double nats) {
  constexpr double kLimit = 4e18;
  return std::llround(std::clamp(nats * ReducedCost::kPerNat, -kLimit, kLimit));
}

/// What a path has seen but not yet told: labels read and not emitted, at most two, and how many word starts
/// more than words emitted, two standing for more. Where the labels of a graph lie inside their words, at
/// most one of each.
class PendingWords {
 public:
  struct Context {
    uint32_t owed = 0;
    std::vector<uint32_t> labels;
    uint32_t after_start = kNone, after_emission = kNone;
  };

  PendingWords() { Find({}); }
  static constexpr uint32_t kStart = 0;
  const Context& operator[](uint32_t context) const { return contexts_[context]; }

  /// Whether the next word is known and, behind it, a word starts or has started.
  bool EmitsAtStart(uint32_t c) const { return contexts_[c].owed >= 1 && !contexts_[c].labels.empty(); }
  bool EmitsAtOnce(uint32_t c) const {
    return contexts_[c].labels.size() >= 2 || (contexts_[c].owed >= 2 && !contexts_[c].labels.empty());
  }
  uint32_t NextWord(uint32_t c) const { return contexts_[c].labels.front(); }

  uint32_t AfterStart(uint32_t c) {
    if (contexts_[c].after_start == kNone) {
      const uint32_t next = Find({std::min(contexts_[c].owed + 1, 2u), contexts_[c].labels});
      contexts_[c].after_start = next;
    }
    return contexts_[c].after_start;
  }
  uint32_t AfterEmission(uint32_t c) {
    if (contexts_[c].after_emission == kNone) {
      Key key{std::max(contexts_[c].owed, 1u) - 1, contexts_[c].labels};
      key.second.erase(key.second.begin());
      const uint32_t next = Find(key);
      contexts_[c].after_emission = next;
    }
    return contexts_[c].after_emission;
  }
  uint32_t AfterLabel(uint32_t c, uint32_t word) {
    const auto [place, is_new] = after_label_.try_emplace(uint64_t{c} << 32 | word, 0u);
    if (is_new) {
      Key key{contexts_[c].owed, contexts_[c].labels};
      key.second.push_back(word);
      place->second = Find(key);
    }
    return place->second;
  }
  /// At the end of the lattice word starts no longer matter.
  uint32_t AtEnd(uint32_t c) { return Find({0, contexts_[c].labels}); }

 private:
  using Key = std::pair<uint32_t, std::vector<uint32_t>>;
  uint32_t Find(const Key& key) {
    const auto [place, is_new] = numbers_.try_emplace(key, static_cast<uint32_t>(contexts_.size()));
    if (is_new) contexts_.push_back({key.first, key.second});
    return place->second;
  }
  std::vector<Context> contexts_;
  std::map<Key, uint32_t> numbers_;
  std::unordered_map<uint64_t, uint32_t> after_label_;
};

class Cutter {
 public:
  Cutter(const RawLattice& lattice, float beam)
      : lattice_(lattice), beam_(Rounded(std::min(double{beam}, ReducedCost::kMaxNats))) {}

  WordSegments Cut() {
    ReduceCosts();
    if (lattice_.states.empty() || cost_to_end_[0] == kInfinity) return std::move(cuts_);
    newest_.assign(lattice_.states.size(), kNone);
    queued_.assign(lattice_.states.size() / 64 + 1, 0);
    FindNode(0, PendingWords::kStart, Kind::kInside, 0);
    while (!waiting_.empty()) {
      const uint32_t node = std::get<3>(waiting_.top());
      waiting_.pop();
      number_[node] = static_cast<uint32_t>(cuts_.nodes.size());
      AddNode(nodes_[node]);
      cuts_.first_segment.push_back(static_cast<uint32_t>(cuts_.segments.size()));
      Expand(node);
    }
    cuts_.first_segment.push_back(static_cast<uint32_t>(cuts_.segments.size()));
    for (WordSegment& segment : cuts_.segments) segment.destination = number_[segment.destination];
    return std::move(cuts_);
  }

 private:
  enum class Kind : uint32_t { kInside, kBoundary };
  struct Node {
    uint32_t raw_state;
    uint32_t context;
    Kind kind;
    int64_t slack;  ///< of the best path to it
  };
  /// A way from the node being expanded to a raw state.
  struct Step {
    uint32_t raw_state;
    uint32_t context;
    ReducedCost cost;
    uint32_t raw_arc;  ///< last one
    uint32_t before;   ///< step
    uint32_t older;    ///< another step at the same raw state
  };

  void ReduceCosts() {
    const size_t states = lattice_.states.size();
    std::vector<double>& total = cost_to_end_;
    std::vector<double>& graph = graph_cost_to_end_;
    total.resize(states);
    graph.resize(states);
    arc_costs_.resize(lattice_.arcs.size());
    final_costs_.resize(states);
    boundary_costs_.assign(states, kNoBoundary);
    for (size_t s = states; s-- > 0;) {
      const double final_cost = lattice_.states[s].final_cost;
      total[s] = graph[s] = final_cost;
      for (const RawLatticeArc& arc : lattice_.arcs_of(static_cast<uint32_t>(s))) {
        const double through = Cost(arc) + total[arc.destination];
        if (through >= total[s]) continue;
        total[s] = through;
        graph[s] = double{arc.graph_cost} + graph[arc.destination];
      }
      if (total[s] == kInfinity) continue;
      if (final_cost != kInfinity)
        final_costs_[s] = {Rounded(final_cost - total[s]), Rounded(final_cost - graph[s])};
      for (uint32_t a = lattice_.first_arc[s]; a < lattice_.first_arc[s + 1]; ++a) {
        const RawLatticeArc& arc = lattice_.arcs[a];
        if (total[arc.destination] == kInfinity) continue;
        arc_costs_[a] = {Rounded((Cost(arc) + total[arc.destination]) - total[s]),
                         Rounded((double{arc.graph_cost} + graph[arc.destination]) - graph[s])};
        if (StartsWord(arc)) boundary_costs_[s] = std::min(boundary_costs_[s], arc_costs_[a]);
      }
    }
  }
  static double Cost(const RawLatticeArc& arc) { return double{arc.graph_cost} + double{arc.acoustic_cost}; }

  void AddNode(const Node& node) {
    WordSegments::Node cut;
    cut.raw_state = node.raw_state;
    if (node.raw_state != WordSegments::kEnd) {
      cut.cost_to_end = cost_to_end_[node.raw_state];
      cut.graph_cost_to_end = graph_cost_to_end_[node.raw_state];
      if (node.kind == Kind::kBoundary) {
        const ReducedCost& more = boundary_costs_[node.raw_state];
        cut.cost_to_end += static_cast<double>(more.total) / ReducedCost::kPerNat;
        cut.graph_cost_to_end += static_cast<double>(more.graph) / ReducedCost::kPerNat;
      }
    }
    cuts_.nodes.push_back(cut);
  }

  uint32_t FindNode(uint32_t raw_state, uint32_t context, Kind kind, int64_t slack) {
    const auto [place, is_new] = node_numbers_.try_emplace(std::make_tuple(raw_state, context, kind),
                                                           static_cast<uint32_t>(nodes_.size()));
    if (is_new) {
      nodes_.push_back({raw_state, context, kind, slack});
      number_.push_back(kNone);
      // At one raw state, segments lead inside -> boundary, and towards fewer pending labels.
      const auto pending = static_cast<uint32_t>(pending_[context].labels.size());
      waiting_.emplace(raw_state, kind, ~pending, place->second);
    } else {
      nodes_[place->second].slack = std::min(nodes_[place->second].slack, slack);
    }
    return place->second;
  }

  void Expand(uint32_t node_number) {
    const Node node = nodes_[node_number];
    steps_.clear();
    end_segments_.clear();
    if (node.raw_state == WordSegments::kEnd) {
      if (pending_[node.context].labels.empty()) {
        cuts_.nodes.back().is_final = true;
      } else {
        EmitAtEnd(node_number, node, {}, node.context, kNone);
      }
      return;
    }
    if (node.kind == Kind::kInside ? pending_.EmitsAtOnce(node.context)
                                   : pending_.EmitsAtStart(node.context)) {
      Emit(node_number, node, {}, node.context, kNone, node.raw_state, node.kind);
      return;
    }
    if (node.kind == Kind::kBoundary) {
      const ReducedCost paid = ReducedCost{} - boundary_costs_[node.raw_state];
      TakeArcs(node, node.raw_state, node.context, paid, kNone, [](bool starts) { return starts; });
    } else {
      AddStep(node.raw_state, node.context, {}, kNone, kNone);
    }
    uint32_t word_of_bits = node.raw_state / 64;
    while (queued_count_ > 0) {
      while (queued_[word_of_bits] == 0) ++word_of_bits;
      const auto bit = static_cast<uint32_t>(std::countr_zero(queued_[word_of_bits]));
      queued_[word_of_bits] &= queued_[word_of_bits] - 1;
      --queued_count_;
      Visit(node_number, node, word_of_bits * 64 + bit);
    }
  }

  void Visit(uint32_t node_number, const Node& node, uint32_t raw_state) {
    const uint32_t last = std::exchange(newest_[raw_state], kNone);
    const bool has_start = boundary_costs_[raw_state] != kNoBoundary;
    for (uint32_t s = last; s != kNone; s = steps_[s].older) {
      const Step step = steps_[s];
      if (pending_.EmitsAtOnce(step.context)) {
        Emit(node_number, node, step.cost, step.context, s, raw_state, Kind::kInside);
        continue;
      }
      if (lattice_.states[raw_state].final_cost != std::numeric_limits<float>::infinity()) {
        AddEnd(node_number, node, step.cost + final_costs_[raw_state], step.context, s);
      }
      const bool cut = has_start && pending_.EmitsAtStart(step.context);
      if (cut) {
        Emit(node_number, node, step.cost + boundary_costs_[raw_state], step.context, s, raw_state,
             Kind::kBoundary);
      }
      TakeArcs(node, raw_state, step.context, step.cost, s, [cut](bool starts) { return !(cut && starts); });
    }
  }

  template <typename Take>
  void TakeArcs(const Node& node, uint32_t raw_state, uint32_t context, ReducedCost cost, uint32_t step,
                Take take) {
    for (uint32_t a = lattice_.first_arc[raw_state]; a < lattice_.first_arc[raw_state + 1]; ++a) {
      const RawLatticeArc& arc = lattice_.arcs[a];
      const bool starts = StartsWord(arc);
      if (!take(starts) || cost_to_end_[arc.destination] == kInfinity) continue;
      const ReducedCost next_cost = cost + arc_costs_[a];
      if (node.slack + next_cost.total > beam_) continue;
      uint32_t next = starts ? pending_.AfterStart(context) : context;
      if (arc.word != 0) next = pending_.AfterLabel(next, arc.word);
      AddStep(arc.destination, next, next_cost, a, step);
    }
  }

  void AddStep(uint32_t raw_state, uint32_t context, ReducedCost cost, uint32_t raw_arc, uint32_t before) {
    const uint32_t newest = newest_[raw_state];
    for (uint32_t s = newest; s != kNone; s = steps_[s].older) {
      Step& step = steps_[s];
      if (step.context != context) continue;
      if (cost < step.cost) {
        step.cost = cost;
        step.raw_arc = raw_arc;
        step.before = before;
      }
      return;
    }
    if (newest == kNone) {
      queued_[raw_state / 64] |= uint64_t{1} << raw_state % 64;
      ++queued_count_;
    }
    newest_[raw_state] = static_cast<uint32_t>(steps_.size());
    steps_.push_back({raw_state, context, cost, raw_arc, before, newest});
  }

  void Emit(uint32_t source, const Node& node, ReducedCost cost, uint32_t context, uint32_t step,
            uint32_t raw_state, Kind kind) {
    if (node.slack + cost.total > beam_) return;
    const uint32_t destination =
        FindNode(raw_state, pending_.AfterEmission(context), kind, node.slack + cost.total);
    AddSegment(source, node, destination, pending_.NextWord(context), cost, step);
  }

  /// The path ends behind `step`: without a word, or with the first pending one.
  void AddEnd(uint32_t source, const Node& node, ReducedCost cost, uint32_t context, uint32_t step) {
    if (node.slack + cost.total > beam_) return;
    if (!pending_[context].labels.empty()) {
      EmitAtEnd(source, node, cost, context, step);
      return;
    }
    WordSegments::Node& cut = cuts_.nodes.back();
    if (cut.is_final && !(cost < cut.final_cost)) return;
    cut.is_final = true;
    cut.final_cost = cost;
    std::tie(cut.first_raw_arc, cut.raw_arc_count) = AddRawArcs(step);
  }

  void EmitAtEnd(uint32_t source, const Node& node, ReducedCost cost, uint32_t context, uint32_t step) {
    const uint32_t word = pending_.NextWord(context);
    const uint32_t destination = FindNode(WordSegments::kEnd, pending_.AtEnd(pending_.AfterEmission(context)),
                                          Kind::kInside, node.slack + cost.total);
    // Several raw states may end with the same word.
    for (const uint32_t s : end_segments_) {
      WordSegment& segment = cuts_.segments[s];
      if (segment.word != word || segment.destination != destination) continue;
      if (cost < segment.cost) {
        segment.cost = cost;
        std::tie(segment.first_raw_arc, segment.raw_arc_count) = AddRawArcs(step);
        SetTimes(node, &segment);
      }
      return;
    }
    end_segments_.push_back(static_cast<uint32_t>(cuts_.segments.size()));
    AddSegment(source, node, destination, word, cost, step);
  }

  void AddSegment(uint32_t source, const Node& node, uint32_t destination, uint32_t word, ReducedCost cost,
                  uint32_t step) {
    WordSegment segment;
    segment.source = number_[source];
    segment.destination = destination;
    segment.word = word;
    segment.cost = cost;
    std::tie(segment.first_raw_arc, segment.raw_arc_count) = AddRawArcs(step);
    SetTimes(node, &segment);
    cuts_.segments.push_back(segment);
  }

  std::pair<uint32_t, uint32_t> AddRawArcs(uint32_t step) {
    const size_t first = cuts_.raw_arcs.size();
    for (; step != kNone && steps_[step].raw_arc != kNone; step = steps_[step].before) {
      cuts_.raw_arcs.push_back(steps_[step].raw_arc);
    }
    std::reverse(cuts_.raw_arcs.begin() + static_cast<std::ptrdiff_t>(first), cuts_.raw_arcs.end());
    return {static_cast<uint32_t>(first), static_cast<uint32_t>(cuts_.raw_arcs.size() - first)};
  }

  /// From the first unit of the first word that starts in the segment to its last one; empty where none does.
  void SetTimes(const Node& node, WordSegment* segment) const {
    const std::span raw_arcs =
        std::span(cuts_.raw_arcs).subspan(segment->first_raw_arc, segment->raw_arc_count);
    bool started = false;
    segment->start_frame = node.raw_state == WordSegments::kEnd ? static_cast<int32_t>(lattice_.frames)
                                                                : lattice_.states[node.raw_state].frame;
    segment->end_frame = segment->start_frame;
    for (const uint32_t a : raw_arcs) {
      const RawLatticeArc& arc = lattice_.arcs[a];
      const int32_t frame = lattice_.states[arc.source].frame;
      if (!started && arc.word != 0) segment->start_frame = segment->end_frame = frame;
      if (arc.unit == 0) continue;
      if (StartsWord(arc)) {
        if (started) break;
        started = true;
        segment->start_frame = frame;
      } else if (arc.cell != kRepeatCell && (arc.flags & kArcWordSeparator) != 0) {
        if (started) break;
      }
      if (started) segment->end_frame = frame + 1;
    }
  }

  const RawLattice& lattice_;
  const int64_t beam_;
  WordSegments cuts_;
  std::vector<double> cost_to_end_, graph_cost_to_end_;  // [raw states] nats, along the best path
  std::vector<ReducedCost> arc_costs_, final_costs_;
  static constexpr ReducedCost kNoBoundary{std::numeric_limits<int64_t>::max(), 0};
  /// [raw states] how much worse the best path that starts a word here is than the best path from here.
  std::vector<ReducedCost> boundary_costs_;
  PendingWords pending_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> number_;  // of a node in cuts_
  std::map<std::tuple<uint32_t, uint32_t, Kind>, uint32_t> node_numbers_;
  using Waiting = std::tuple<uint32_t, Kind, uint32_t, uint32_t>;
  std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> waiting_;

  // Of the node being expanded.
  std::vector<Step> steps_;
  std::vector<uint32_t> newest_;  // [raw states] step
  std::vector<uint64_t> queued_;  // bit for each raw state with steps to be followed
  int64_t queued_count_ = 0;
  std::vector<uint32_t> end_segments_;
};

}  // namespace

WordSegments CutAtWords(const RawLattice& lattice, float beam) { return Cutter(lattice, beam).Cut(); }

}  // namespace skald
