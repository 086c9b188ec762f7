#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "decoder/graph/arpa.h"

namespace skald {

/// An n-gram model as an automaton over words: a state is a history that some listed n-gram continues, its
/// arcs are those n-grams, everything else goes over its back-off arc. Costs are negated base-10 log
/// probabilities (LogProb steps). As usual for a static graph the back-off arc is open to listed words too,
/// so a sentence costs the least over all choices of backing off, which is at most what the model says.
class Grammar {
 public:
  static constexpr LogProb kNever = INT64_MAX;
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kStart = 0;      ///< history <s>
  static constexpr uint32_t kNoHistory = 1;  ///< empty history: the only state without a back-off arc

  struct Arc {
    uint32_t word;  ///< index into ArpaModel::words()
    uint32_t next_state;
    LogProb cost;  ///< with the back-off weights of histories that nothing continues folded in
  };
  struct State {
    uint64_t first_arc;
    uint64_t arc_count;
    uint32_t backoff_state;  ///< kNone for kNoHistory
    LogProb backoff_cost;
    LogProb final_cost;           ///< of </s> where it is listed after this history, else kNever
    LogProb complete_final_cost;  ///< least cost of ending here, backing off or not; never kNever
  };

  /// Builds the automaton over the words of `model` with `keep_word` [word], n-grams up to `max_order` only.
  /// Sentence marks and <unk> are never arcs, whatever `keep_word` says. Only states that can be reached from
  /// the start exist; they are ordered by falling unigram probability of the history's last word, so frequent
  /// histories lie together. Fails with kInvalidArgument where </s> has no unigram probability or no word is
  /// left.
  static StatusOr<Grammar> Build(const ArpaModel& model, const std::vector<bool>& keep_word, int max_order);

  std::span<const State> states() const { return states_; }
  std::span<const Arc> arcs(const State& state) const {
    return std::span(arcs_).subspan(state.first_arc, state.arc_count);
  }
  uint64_t arc_count() const { return arcs_.size(); }
  /// Unigrams, sentence marks apart, and n-grams up to max_order that are not in the automaton for lack of a
  /// word.
  uint64_t dropped_words() const { return dropped_words_; }
  uint64_t dropped_ngrams() const { return dropped_ngrams_; }

 private:
  friend class GrammarBuilder;
  std::vector<State> states_;
  std::vector<Arc> arcs_;
  uint64_t dropped_words_ = 0, dropped_ngrams_ = 0;
};

}  // namespace skald
