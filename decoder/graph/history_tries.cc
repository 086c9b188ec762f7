#include "decoder/graph/history_tries.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "base/check.h"

namespace skald {
namespace {

using Arc = GraphImageBuilder::Arc;

constexpr uint32_t kNone = UINT32_MAX;

/// States under construction, identified by a number in order of creation. Equal states (same arcs) exist
/// once.
class StatePool {
 public:
  explicit StatePool(uint32_t reserved) : states_(reserved), slots_(1 << 16, kNone) {}

  /// Sets the arcs of a reserved state, which is never shared.
  void Set(uint32_t state, std::span<const Arc> arcs) {
    states_[state] = {arcs_.size(), static_cast<uint32_t>(arcs.size())};
    arcs_.insert(arcs_.end(), arcs.begin(), arcs.end());
  }

  /// The state with these arcs, made if there is none.
  uint32_t Intern(std::span<const Arc> arcs) {
    if (shared_count_ * 2 >= slots_.size()) Grow();
    uint32_t& slot = slots_[FindSlot(slots_, arcs)];
    if (slot == kNone) {
      slot = static_cast<uint32_t>(states_.size());
      states_.emplace_back();
      Set(slot, arcs);
      ++shared_count_;
    }
    return slot;
  }

  std::span<const Arc> arcs(uint32_t state) const {
    return std::span(arcs_).subspan(states_[state].first_arc, states_[state].arc_count);
  }
  uint32_t size() const { return static_cast<uint32_t>(states_.size()); }

 private:
  struct State {
    uint64_t first_arc = 0;
    uint32_t arc_count = 0;
  };

  static bool Equal(const Arc& a, const Arc& b) {
    return a.next_state == b.next_state &&
           std::bit_cast<uint32_t>(a.cost) == std::bit_cast<uint32_t>(b.cost) && a.unit == b.unit &&
           a.flags == b.flags && a.word == b.word;
  }

  size_t FindSlot(const std::vector<uint32_t>& slots, std::span<const Arc> arcs) const {
    uint64_t hash = arcs.size();
    const auto mix = [&hash](uint64_t value) {
      hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
      hash ^= hash >> 29;
    };
    for (const Arc& arc : arcs) {
      mix(uint64_t{arc.next_state} << 32 | std::bit_cast<uint32_t>(arc.cost));
      mix(uint64_t{arc.word} << 32 | uint32_t{arc.unit} << 16 | arc.flags);
    }
    const size_t mask = slots.size() - 1;
    size_t slot = hash & mask;
    while (slots[slot] != kNone) {
      const auto other = this->arcs(slots[slot]);
      if (std::equal(arcs.begin(), arcs.end(), other.begin(), other.end(), Equal)) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  void Grow() {
    std::vector<uint32_t> larger(slots_.size() * 2, kNone);
    for (const uint32_t state : slots_) {
      if (state != kNone) larger[FindSlot(larger, arcs(state))] = state;
    }
    slots_ = std::move(larger);
  }

  std::vector<State> states_;
  std::vector<Arc> arcs_;
  std::vector<uint32_t> slots_;
  size_t shared_count_ = 0;
};

class TrieBuilder {
 public:
  TrieBuilder(const Lexicon& lexicon, std::vector<SpelledWord> words, const Grammar& grammar,
              const CostScale& scale)
      : words_(std::move(words)),
        grammar_(grammar),
        scale_(scale),
        separator_(lexicon.separator()),
        state_count_(static_cast<uint32_t>(grammar.states().size())),
        pool_(separator_ ? 2 * state_count_ : state_count_),
        entered_(state_count_, false) {
    // Entries in order of spelling: the words of any history then form subtrees as ranges.
    std::sort(words_.begin(), words_.end(), [](const SpelledWord& a, const SpelledWord& b) {
      return a.entry->units != b.entry->units ? a.entry->units < b.entry->units : a.image_word < b.image_word;
    });
    uint32_t grammar_words = 0;
    for (const SpelledWord& word : words_) grammar_words = std::max(grammar_words, word.grammar_word + 1);
    first_spelling_.assign(grammar_words + 1, 0);
    for (const SpelledWord& word : words_) ++first_spelling_[word.grammar_word + 1];
    for (uint32_t i = 0; i < grammar_words; ++i) first_spelling_[i + 1] += first_spelling_[i];
    spellings_.resize(words_.size());
    std::vector<uint32_t> next(first_spelling_.begin(), first_spelling_.end());
    for (uint32_t i = 0; i < words_.size(); ++i) spellings_[next[words_[i].grammar_word]++] = i;
  }

  void Build(const std::function<void(double)>& progress, GraphImageBuilder* builder) {
    uint64_t arcs_done = 0;
    double reported = 0;
    for (uint32_t history = 0; history < state_count_; ++history) {
      BuildHistory(history);
      arcs_done += grammar_.states()[history].arc_count;
      const double fraction = static_cast<double>(arcs_done) / static_cast<double>(grammar_.arc_count());
      if (progress && fraction >= reported + 0.01) progress(0.9 * (reported = fraction));
    }
    Emit(builder);
    if (progress) progress(1);
  }

 private:
  /// A spelling at the end of which a history is reached.
  struct Leaf {
    uint32_t spelling;  ///< index into words_
    uint32_t next_state;
    LogProb cost;
  };

  /// State after a word, which leads to `history`.
  uint32_t After(uint32_t history) const { return separator_ ? 2 * history : history; }
  /// State in which the next word begins.
  uint32_t Root(uint32_t history) const { return separator_ ? 2 * history + 1 : history; }

  /// Whether a root would only back off: histories that only </s> continues, which is the state after a
  /// word's business.
  bool IsEmptyRoot(uint32_t history) const {
    const Grammar::State& state = grammar_.states()[history];
    return separator_ && history != Grammar::kStart && state.arc_count == 0 &&
           state.backoff_state != Grammar::kNone;
  }

  /// Root of the longest suffix of a history that has a tree, and the cost of backing off to it.
  std::pair<uint32_t, LogProb> SkipEmptyRoots(uint32_t history) const {
    LogProb cost = 0;
    for (; IsEmptyRoot(history); history = grammar_.states()[history].backoff_state) {
      cost += grammar_.states()[history].backoff_cost;
    }
    return {Root(history), cost};
  }

  float Nats(LogProb cost) const {
    return static_cast<float>(static_cast<double>(cost) * scale_.nats_per_log_prob);
  }

  void BuildHistory(uint32_t history) {
    const Grammar::State& state = grammar_.states()[history];
    leaves_.clear();
    for (const Grammar::Arc& arc : grammar_.arcs(state)) {
      entered_[arc.next_state] = true;
      for (uint32_t i = first_spelling_[arc.word]; i < first_spelling_[arc.word + 1]; ++i) {
        leaves_.push_back({spellings_[i], After(arc.next_state), arc.cost});
      }
    }
    std::sort(leaves_.begin(), leaves_.end(),
              [](const Leaf& a, const Leaf& b) { return a.spelling < b.spelling; });
    PushArcs(leaves_, 0, 0, false);
    if (state.backoff_state != Grammar::kNone) {
      const auto [target, cost] = SkipEmptyRoots(state.backoff_state);
      stack_.push_back({target, Nats(state.backoff_cost + cost), 0, 0, 0});
    }
    pool_.Set(Root(history), stack_);
    stack_.clear();
    if (separator_) {
      const auto [target, cost] = SkipEmptyRoots(history);
      const Arc arc{target, Nats(cost), *separator_, kArcWordSeparator, 0};
      pool_.Set(After(history), {&arc, 1});
    }
  }

  /// Pushes onto stack_ the arcs of the tree node above `leaves`, which share their first `depth` units and
  /// for which `paid` of the cost and, if `labelled`, the word have been given.
  void PushArcs(std::span<const Leaf> leaves, size_t depth, LogProb paid, bool labelled) {
    const auto units = [this](const Leaf& leaf) -> const std::vector<uint16_t>& {
      return words_[leaf.spelling].entry->units;
    };
    const uint16_t flags = depth == 0 ? kArcWordStart : 0;
    const auto cost = [&](LogProb least) {
      const double nats = static_cast<double>(least - paid) * scale_.nats_per_log_prob;
      return static_cast<float>(depth == 0 ? nats + scale_.word_penalty : nats);
    };
    for (size_t begin = 0; begin < leaves.size();) {
      const uint16_t unit = units(leaves[begin])[depth];
      size_t end = begin;
      for (; end < leaves.size() && units(leaves[end])[depth] == unit; ++end) {
        // Shorter spellings come first, so the ones that end here do.
        if (units(leaves[end]).size() != depth + 1) continue;
        const Leaf& leaf = leaves[end];
        stack_.push_back(
            {leaf.next_state, cost(leaf.cost), unit, flags, labelled ? 0 : words_[leaf.spelling].image_word});
        begin = end + 1;
      }
      if (begin == end) continue;
      const auto subtree = leaves.subspan(begin, end - begin);
      const uint32_t word = words_[subtree[0].spelling].image_word;
      LogProb least = subtree[0].cost;
      bool one_word = true;
      for (const Leaf& leaf : subtree) {
        least = std::min(least, leaf.cost);
        one_word = one_word && words_[leaf.spelling].image_word == word;
      }
      const size_t bottom = stack_.size();
      PushArcs(subtree, depth + 1, least, labelled || one_word);
      const uint32_t next = pool_.Intern(std::span(stack_).subspan(bottom));
      stack_.resize(bottom);
      stack_.push_back({next, cost(least), unit, flags, !labelled && one_word ? word : 0});
      begin = end;
    }
  }

  void Emit(GraphImageBuilder* builder) {
    const uint32_t reserved = separator_ ? 2 * state_count_ : state_count_;
    std::vector<uint32_t> number(pool_.size(), kNone), order;
    order.reserve(pool_.size());
    // Reserved states are numbered in their turn, never from the middle of another history's tree.
    const auto visit = [&](uint32_t state) {
      if (number[state] != kNone) return false;
      number[state] = static_cast<uint32_t>(order.size());
      order.push_back(state);
      return true;
    };
    std::vector<uint32_t> open;
    std::vector<Arc> children;
    for (uint32_t state = 0; state < reserved; ++state) {
      if (separator_ && state % 2 == 0 && !entered_[state / 2]) continue;  // only ever backed off to
      if (separator_ && state % 2 == 1 && IsEmptyRoot(state / 2)) continue;
      visit(state);
      open.push_back(state);
      while (!open.empty()) {
        const uint32_t at = open.back();
        open.pop_back();
        if (at >= reserved && !visit(at)) continue;
        children.clear();
        for (const Arc& arc : pool_.arcs(at)) {
          if (arc.next_state >= reserved && number[arc.next_state] == kNone) children.push_back(arc);
        }
        std::stable_sort(children.begin(), children.end(),
                         [](const Arc& a, const Arc& b) { return a.cost > b.cost; });
        for (const Arc& arc : children) open.push_back(arc.next_state);
      }
    }
    std::vector<Arc> arcs;
    for (const uint32_t state : order) {
      arcs.assign(pool_.arcs(state).begin(), pool_.arcs(state).end());
      for (Arc& arc : arcs) arc.next_state = number[arc.next_state];
      builder->AddState(FinalCost(state), arcs);
    }
    builder->SetStart(number[Root(Grammar::kStart)]);
  }

  float FinalCost(uint32_t state) const {
    LogProb cost = Grammar::kNever;
    if (state == Root(Grammar::kStart)) {
      cost = grammar_.states()[Grammar::kStart].complete_final_cost;  // the empty sentence
    } else if (separator_ && state < 2 * state_count_) {
      if (state == After(state / 2)) cost = grammar_.states()[state / 2].complete_final_cost;
    } else if (!separator_ && state < state_count_) {
      cost = grammar_.states()[state].final_cost;  // backing off is an epsilon arc away
    }
    return cost == Grammar::kNever ? std::numeric_limits<float>::infinity() : Nats(cost);
  }

  std::vector<SpelledWord> words_;
  const Grammar& grammar_;
  const CostScale scale_;
  const std::optional<uint16_t> separator_;
  const uint32_t state_count_;
  StatePool pool_;
  std::vector<bool> entered_;                         ///< histories that a word leads to
  std::vector<uint32_t> first_spelling_, spellings_;  ///< of each grammar word, indices into words_
  std::vector<Leaf> leaves_;
  std::vector<Arc> stack_;
};

}  // namespace

void BuildHistoryTries(const Lexicon& lexicon, std::vector<SpelledWord> words, const Grammar& grammar,
                       const CostScale& scale, const std::function<void(double)>& progress,
                       GraphImageBuilder* builder) {
  TrieBuilder(lexicon, std::move(words), grammar, scale).Build(progress, builder);
}

}  // namespace skald
