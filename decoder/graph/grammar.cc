#include "decoder/graph/grammar.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace skald {

/// Numbers the histories, then sorts the n-grams into them.
class GrammarBuilder {
 public:
  GrammarBuilder(const ArpaModel& model, const std::vector<bool>& keep_word, int max_order)
      : model_(model), keep_(keep_word), order_(std::clamp(max_order, 1, model.order())) {
    keep_.resize(model.words().size(), false);
    for (const uint32_t mark : {model.sentence_start(), model.sentence_end(), model.unknown()}) {
      if (mark != ArpaModel::kNoWord) keep_[mark] = false;
    }
  }

  StatusOr<Grammar> Build() {
    FindHistories();
    CollectArcs();
    if (states_[Grammar::kNoHistory].final_cost == Grammar::kNever) {
      return Status::InvalidArgument("language model has no probability for </s>: no sentence could end");
    }
    if (states_[Grammar::kNoHistory].arc_count == 0) {
      return Status::InvalidArgument("language model and lexicon have no word in common");
    }
    KeepReachable();
    // A shorter history comes later in no particular order, so follow the back-off arcs.
    for (Grammar::State& state : grammar_.states_) {
      LogProb paid = 0;
      state.complete_final_cost = Grammar::kNever;
      for (const Grammar::State* at = &state;; at = &grammar_.states_[at->backoff_state]) {
        if (at->final_cost != Grammar::kNever) {
          state.complete_final_cost = std::min(state.complete_final_cost, paid + at->final_cost);
        }
        if (at->backoff_state == Grammar::kNone) break;
        paid += at->backoff_cost;
      }
    }
    return std::move(grammar_);
  }

 private:
  struct Target {
    uint32_t state;
    LogProb cost;
  };

  /// Whether an n-gram can be an arc, or the end of a sentence after its context.
  bool IsUsable(std::span<const uint32_t> ngram, LogProb log_prob) const {
    if (log_prob == ArpaModel::kImpossible) return false;
    for (size_t i = 0; i < ngram.size(); ++i) {
      const bool is_context = i + 1 < ngram.size();
      const bool is_mark = ngram[i] == (is_context ? model_.sentence_start() : model_.sentence_end());
      if (!(keep_[ngram[i]] || (is_mark && (!is_context || i == 0)))) return false;
    }
    return true;
  }

  /// State of a history, or kNone.
  uint32_t StateOf(std::span<const uint32_t> history) const {
    if (history.empty()) return Grammar::kNoHistory;
    const auto index = model_.Find(history);
    return index ? state_of_[history.size() - 1][*index] : Grammar::kNone;
  }

  /// The longest suffix of `history` that is a state, and the back-off weights on the way to it.
  Target Resolve(std::span<const uint32_t> history) const {
    LogProb cost = 0;
    if (history.size() >= static_cast<size_t>(order_)) history = history.last(order_ - 1);
    while (true) {
      if (const uint32_t state = StateOf(history); state != Grammar::kNone) return {state, cost};
      cost += BackoffCost(history);
      history = history.subspan(1);
    }
  }

  LogProb BackoffCost(std::span<const uint32_t> history) const {
    const auto index = model_.Find(history);
    if (!index) return 0;
    return -model_.backoff(static_cast<int>(history.size()), *index);
  }

  void FindHistories() {
    state_of_.resize(std::max(order_ - 1, 1));
    for (int n = 1; n <= static_cast<int>(state_of_.size()); ++n) {
      state_of_[n - 1].assign(model_.count(n), Grammar::kNone);
    }
    states_.assign(2, {0, 0, Grammar::kNone, 0, Grammar::kNever, Grammar::kNever});
    histories_.assign(2, {});
    if (model_.sentence_start() != ArpaModel::kNoWord && order_ > 1) {
      state_of_[0][model_.sentence_start()] = Grammar::kStart;
      histories_[Grammar::kStart] = model_.ngram(1, model_.sentence_start());
    }
    for (int n = 2; n <= order_; ++n) {
      for (size_t i = 0; i < model_.count(n); ++i) {
        if (!IsUsable(model_.ngram(n, i), model_.log_prob(n, i))) continue;
        const auto context = model_.ngram(n, i).first(n - 1);
        uint32_t& state = state_of_[n - 2][*model_.Find(context)];
        if (state != Grammar::kNone) continue;
        state = static_cast<uint32_t>(states_.size());
        states_.push_back({0, 0, Grammar::kNone, 0, Grammar::kNever, Grammar::kNever});
        histories_.push_back(context);
      }
    }
    for (uint32_t state = 0; state < states_.size(); ++state) {
      if (state == Grammar::kNoHistory) continue;
      const auto history = histories_[state];
      const Target target = history.empty() ? Target{Grammar::kNoHistory, 0} : Resolve(history.subspan(1));
      states_[state].backoff_state = target.state;
      states_[state].backoff_cost = target.cost + (history.empty() ? 0 : BackoffCost(history));
    }
  }

  /// Calls `handle(state, n, index)` for every usable n-gram.
  template <typename Handle>
  void ForEachUsable(Handle handle) {
    for (int n = 1; n <= order_; ++n) {
      for (size_t i = 0; i < model_.count(n); ++i) {
        const auto ngram = model_.ngram(n, i);
        if (IsUsable(ngram, model_.log_prob(n, i))) handle(StateOf(ngram.first(n - 1)), n, i);
      }
    }
  }

  void CollectArcs() {
    for (int n = 1; n <= order_; ++n) {
      for (size_t i = 0; i < model_.count(n); ++i) {
        const auto ngram = model_.ngram(n, i);
        const bool is_mark = n == 1 && (ngram[0] == model_.sentence_start() ||
                                        ngram[0] == model_.sentence_end() || ngram[0] == model_.unknown());
        if (is_mark || IsUsable(ngram, model_.log_prob(n, i))) continue;
        ++(n == 1 ? grammar_.dropped_words_ : grammar_.dropped_ngrams_);
      }
    }
    ForEachUsable([&](uint32_t state, int n, size_t i) {
      if (model_.ngram(n, i).back() == model_.sentence_end()) {
        states_[state].final_cost = -model_.log_prob(n, i);
      } else {
        ++states_[state].arc_count;
      }
    });
    uint64_t first = 0;
    for (Grammar::State& state : states_) {
      state.first_arc = first;
      first += std::exchange(state.arc_count, 0);
    }
    arcs_.resize(first);
    ForEachUsable([&](uint32_t from, int n, size_t i) {
      const auto ngram = model_.ngram(n, i);
      if (ngram.back() == model_.sentence_end()) return;
      const Target target = Resolve(ngram);
      Grammar::State& state = states_[from];
      arcs_[state.first_arc + state.arc_count++] = {ngram.back(), target.state,
                                                    target.cost - model_.log_prob(n, i)};
    });
  }

  void KeepReachable() {
    std::vector<bool> reached(states_.size(), false);
    std::vector<uint32_t> order, open = {Grammar::kStart};
    reached[Grammar::kStart] = true;
    const auto visit = [&](uint32_t state) {
      if (state == Grammar::kNone || reached[state]) return;
      reached[state] = true;
      open.push_back(state);
    };
    while (!open.empty()) {
      const uint32_t state = open.back();
      open.pop_back();
      if (state > Grammar::kNoHistory) order.push_back(state);
      visit(states_[state].backoff_state);
      for (const auto& arc : std::span(arcs_).subspan(states_[state].first_arc, states_[state].arc_count)) {
        visit(arc.next_state);
      }
    }
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      const LogProb prob_a = model_.log_prob(1, histories_[a].back()),
                    prob_b = model_.log_prob(1, histories_[b].back());
      return prob_a != prob_b ? prob_a > prob_b : a < b;
    });
    order.insert(order.begin(), {Grammar::kStart, Grammar::kNoHistory});
    std::vector<uint32_t> number(states_.size(), Grammar::kNone);
    for (uint32_t i = 0; i < order.size(); ++i) number[order[i]] = i;
    for (const uint32_t old : order) {
      Grammar::State state = states_[old];
      const auto arcs = std::span(arcs_).subspan(state.first_arc, state.arc_count);
      state.first_arc = grammar_.arcs_.size();
      if (state.backoff_state != Grammar::kNone) state.backoff_state = number[state.backoff_state];
      for (Grammar::Arc arc : arcs) {
        arc.next_state = number[arc.next_state];
        grammar_.arcs_.push_back(arc);
      }
      grammar_.states_.push_back(state);
    }
  }

  const ArpaModel& model_;
  std::vector<bool> keep_;
  const int order_;
  std::vector<std::vector<uint32_t>> state_of_;  ///< [n - 1][index of n-gram]
  std::vector<Grammar::State> states_;
  std::vector<std::span<const uint32_t>> histories_;
  std::vector<Grammar::Arc> arcs_;
  Grammar grammar_;
};

StatusOr<Grammar> Grammar::Build(const ArpaModel& model, const std::vector<bool>& keep_word, int max_order) {
  return GrammarBuilder(model, keep_word, max_order).Build();
}

}  // namespace skald
