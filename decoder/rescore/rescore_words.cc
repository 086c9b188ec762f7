#include "decoder/rescore/rescore_words.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "decoder/graph/arpa.h"
#include "decoder/lattice/word_segments.h"

namespace skald {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kLargestRetryBeam = 16.0f, kLeastBeam = 0.01f;
constexpr size_t kMaxTerms = 4;
constexpr uint32_t kNone = UINT32_MAX;

/// Costs of the best paths through a word lattice, as integers (ReducedCost), so that sums are exact.
struct BestCosts {
  static constexpr int64_t kInfinite = INT64_MAX / 4;

  explicit BestCosts(const WordLattice& lattice)
      : forward(lattice.nodes.size(), kInfinite), backward(lattice.nodes.size(), kInfinite) {
    forward[0] = 0;
    for (const WordLatticeArc& arc : lattice.arcs) {
      forward[arc.destination] = std::min(forward[arc.destination], forward[arc.source] + Units(arc.cost()));
    }
    for (size_t n = lattice.nodes.size(); n-- > 0;) {
      const WordLatticeNode& node = lattice.nodes[n];
      if (node.is_final()) backward[n] = Units(node.final_cost());
      for (const WordLatticeArc& arc : lattice.arcs_of(static_cast<uint32_t>(n))) {
        backward[n] = std::min(backward[n], Units(arc.cost()) + backward[arc.destination]);
      }
    }
  }
  static int64_t Units(double nats) {
    return std::llround(std::clamp(nats, -ReducedCost::kMaxNats, ReducedCost::kMaxNats) *
                        ReducedCost::kPerNat);
  }
  /// How much worse than the best path the best one through a node, through an arc, or ending in a node is.
  int64_t slack(uint32_t node) const { return forward[node] + backward[node] - backward[0]; }
  int64_t slack(const WordLatticeArc& arc) const {
    return forward[arc.source] + Units(arc.cost()) + backward[arc.destination] - backward[0];
  }
  int64_t final_slack(uint32_t n, const WordLatticeNode& node) const {
    return forward[n] + Units(node.final_cost()) - backward[0];
  }
  std::vector<int64_t> forward, backward;
};

/// Appends node `n` of `from`, without its arcs.
void AppendNode(const WordLattice& from, uint32_t n, WordLattice* to) {
  to->nodes.push_back(from.nodes[n]);
  to->first_arc.push_back(static_cast<uint32_t>(to->arcs.size()));
  if (from.final_links.empty()) return;  // read from a file
  to->final_links.push_back(from.final_links[n]);
  to->element_count.push_back(from.element_count[n]);
  to->best_element.push_back(from.best_element[n]);
}

/// Appends a copy of arc `a` of `from`; its ends are still to be set.
WordLatticeArc* AppendArc(const WordLattice& from, size_t a, WordLattice* to) {
  to->arcs.push_back(from.arcs[a]);
  if (!from.first_link.empty()) to->first_link.push_back(from.first_link[a]);
  return &to->arcs.back();
}

/// Keeps what is within `beam` of the best path.
WordLattice Pruned(const WordLattice& lattice, float beam) {
  const BestCosts costs(lattice);
  const int64_t largest_slack = BestCosts::Units(double{beam});
  WordLattice result;
  result.frames = lattice.frames;
  result.partial = lattice.partial;
  result.effective_beam = beam;
  std::vector<uint32_t> number(lattice.nodes.size(), kNone);
  for (uint32_t n = 0; n < lattice.nodes.size(); ++n) {
    if (costs.slack(n) > largest_slack) continue;
    number[n] = static_cast<uint32_t>(result.nodes.size());
    AppendNode(lattice, n, &result);
    WordLatticeNode& node = result.nodes.back();
    if (node.is_final() && costs.final_slack(n, node) > largest_slack) node.final_graph_cost = kInfinity;
    for (uint32_t a = lattice.first_arc[n]; a < lattice.first_arc[n + 1]; ++a) {
      if (costs.slack(lattice.arcs[a]) > largest_slack) continue;
      AppendArc(lattice, a, &result)->source = number[n];
    }
  }
  result.first_arc.push_back(static_cast<uint32_t>(result.arcs.size()));
  for (WordLatticeArc& arc : result.arcs) arc.destination = number[arc.destination];
  return result;
}

/// Product of a word lattice and language models.
class Composer {
 public:
  Composer(const WordLattice& lattice, std::span<const LanguageModelTerm> terms,
           const RescoreOptions& options)
      : lattice_(lattice), terms_(terms), word_penalty_(options.word_penalty) {}

  /// False where more than `max_arcs` come up.
  bool Run(int64_t max_arcs, WordLattice* result) {
    result_ = result;
    result_->frames = lattice_.frames;
    result_->partial = lattice_.partial;
    result_->effective_beam = lattice_.effective_beam;
    last_of_node_.assign(lattice_.nodes.size(), kNone);
    Histories start{};
    for (size_t t = 0; t < terms_.size(); ++t) start[t] = terms_[t].model->start();
    FindState(0, start);
    std::vector<uint32_t> here;
    for (uint32_t n = 0; n < lattice_.nodes.size(); ++n) {
      here.clear();
      for (uint32_t s = last_of_node_[n]; s != kNone; s = states_[s].previous_of_node) here.push_back(s);
      std::reverse(here.begin(), here.end());
      for (const uint32_t state : here) Expand(n, state);
      if (static_cast<int64_t>(result_->arcs.size()) > max_arcs) return false;
    }
    result_->first_arc.push_back(static_cast<uint32_t>(result_->arcs.size()));
    for (WordLatticeArc& arc : result_->arcs) arc.destination = states_[arc.destination].number;
    return true;
  }

 private:
  using Histories = std::array<NgramModel::State, kMaxTerms>;
  struct State {
    uint32_t node;
    uint32_t number;  // in the result, once expanded
    uint32_t previous_of_node;
    Histories histories;
  };

  static uint64_t Hash(uint32_t node, const Histories& histories) {
    uint64_t hash = node;
    for (const NgramModel::State state : histories) {
      hash = (hash ^ state) * 0x9E3779B97F4A7C15u;
      hash ^= hash >> 29;
    }
    return hash;
  }

  uint32_t FindState(uint32_t node, const Histories& histories) {
    if (2 * (states_.size() + 1) > slots_.size()) Grow();
    size_t slot = Hash(node, histories) & (slots_.size() - 1);
    for (; slots_[slot] != kNone; slot = (slot + 1) & (slots_.size() - 1)) {
      const State& state = states_[slots_[slot]];
      if (state.node == node && state.histories == histories) return slots_[slot];
    }
    const auto found = static_cast<uint32_t>(states_.size());
    slots_[slot] = found;
    states_.push_back({node, 0, last_of_node_[node], histories});
    last_of_node_[node] = found;
    return found;
  }

  void Grow() {
    slots_.assign(std::max<size_t>(1024, 2 * slots_.size()), kNone);
    for (uint32_t s = 0; s < states_.size(); ++s) {
      size_t slot = Hash(states_[s].node, states_[s].histories) & (slots_.size() - 1);
      while (slots_[slot] != kNone) slot = (slot + 1) & (slots_.size() - 1);
      slots_[slot] = s;
    }
  }

  /// Nats for `word` after *history, which moves on.
  double TermCost(const LanguageModelTerm& term, uint32_t word, NgramModel::State* history) const {
    SKALD_CHECK(word != NgramModel::kNoWord, "a word of the lattice is not in the language model");
    return -term.weight * kNatsPerLogProb * static_cast<double>(term.model->Score(word, history));
  }

  void Expand(uint32_t n, uint32_t state) {
    const Histories histories = states_[state].histories;
    states_[state].number = static_cast<uint32_t>(result_->nodes.size());
    AppendNode(lattice_, n, result_);
    WordLatticeNode& node = result_->nodes.back();
    for (size_t t = 0; t < terms_.size() && node.is_final() && !lattice_.partial; ++t) {
      const uint32_t end = terms_[t].model->sentence_end();
      NgramModel::State history = histories[t];
      if (end != NgramModel::kNoWord) node.final_graph_cost += TermCost(terms_[t], end, &history);
    }
    for (uint32_t a = lattice_.first_arc[n]; a < lattice_.first_arc[n + 1]; ++a) {
      WordLatticeArc* arc = AppendArc(lattice_, a, result_);
      Histories next = histories;
      arc->source = states_[state].number;
      arc->graph_cost += word_penalty_;
      for (size_t t = 0; t < terms_.size(); ++t) {
        arc->graph_cost += TermCost(terms_[t], terms_[t].word_numbers[arc->word], &next[t]);
      }
      arc->destination = FindState(arc->destination, next);
    }
  }

  const WordLattice& lattice_;
  const std::span<const LanguageModelTerm> terms_;
  const double word_penalty_;
  WordLattice* result_ = nullptr;
  std::vector<State> states_;
  std::vector<uint32_t> slots_;
  std::vector<uint32_t> last_of_node_;
};

}  // namespace

WordLattice RescoreWords(const WordLattice& lattice, std::span<const LanguageModelTerm> terms,
                         const RescoreOptions& options) {
  SKALD_CHECK(terms.size() <= kMaxTerms, "too many language models");
  if (lattice.nodes.empty()) return lattice;
  float beam = std::min(options.beam, lattice.effective_beam);
  for (;;) {
    const WordLattice pruned = Pruned(lattice, beam);
    const int64_t limit = beam > 0 ? options.max_arcs : std::numeric_limits<int64_t>::max();
    WordLattice composed;
    if (Composer(pruned, terms, options).Run(limit, &composed)) {
      WordLattice result = Pruned(composed, beam);
      result.links = lattice.links;
      result.raw_arcs = lattice.raw_arcs;
      return result;
    }
    beam = beam > kLargestRetryBeam ? kLargestRetryBeam : beam > kLeastBeam ? 0.8f * beam : 0.0f;
  }
}

}  // namespace skald
