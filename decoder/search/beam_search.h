#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/view.h"
#include "decoder/graph/graph_image.h"
#include "decoder/lattice/raw_lattice.h"
#include "decoder/search/boost_automaton.h"
#include "decoder/search/link_history.h"
#include "decoder/search/search_options.h"
#include "decoder/search/token_table.h"

namespace skald {

/// What a search did since Begin.
struct SearchStatistics {
  int64_t frames = 0;
  int64_t collapsed_frames = 0;  ///< of these, skipped because blank was certain
  int64_t tokens = 0;            ///< tokens at the frames that were not skipped, summed
  int64_t peak_tokens = 0;
  int64_t arcs_tried = 0;         ///< graph arcs whose cost was computed
  int64_t arcs_kept = 0;          ///< arcs within the threshold, blanks and repeats included
  int64_t links_made = 0;         ///< links appended to the history
  int64_t peak_links_held = 0;    ///< most links in memory at a time: 20 bytes each
  int64_t max_active_frames = 0;  ///< frames in which max_active bound
  int64_t capped_frames = 0;      ///< frames in which max_arcs_per_frame bound
};

/// Viterbi beam search of one stream over a shared graph.
///
/// CTC topology. The graph holds no blanks and no repeats; the search adds them. A token is (graph state q,
/// last emitted unit u or 0). From (q, u), u > 0: the repeat u stays, blank leads to (q, 0), a graph arc with
/// unit m other than u leads to (q', m). From (q, 0): blank stays, a graph arc with any unit m leads to (q',
/// m). Epsilon arcs keep u, and are taken only in the frame in which a graph arc reached their state (see
/// RawLatticeState). This is standard CTC: a doubled unit needs a blank between.
///
/// Explicit topology (GraphInfo::explicit_topology). The graph holds all of it: a token is a graph state,
/// every arc with a unit takes a frame, self-loops included, and there are no blanks and no repeats.
/// Everything below holds with q for (q, u); nll[blank] stands for column 0, which only sets the zero of a
/// frame's scores.
///
/// Boosts. Where phrases are boosted, a token is (q, u, state of the boost automaton): an arc with a word
/// takes a step of the automaton, which adds its cost to w; ending gives back what the automaton holds.
///
/// Canonical pruning rule. S is the set of tokens that are not entry states, with f32 costs relative to an
/// f64 offset:
/// - b = least cost in S
/// - cut = min(b + beam, the max_active-th least cost in S)
/// - width = cut - b + 0.5 if max_active bound, else beam
/// - where min_active is set and max_active did not bind: with no more than min_active tokens in S, cut and
///   width are infinite; where the least cost but min_active others lies above b + beam, cut is that cost and
///   width = cut - b + 0.5
/// - nll' = (nll - nll[blank]) - b, so that a certain blank changes no cost at all
/// - c(a) = cost + (w + nll'[unit]) for the arcs, blanks and repeats of tokens with cost <= cut; w includes
///   the penalty
/// - m = least c; keep c < m + width
/// - cap: where more than max_arcs_per_frame remain, keep those in the lowest of 2048 equal bins of
///   [m, m + width) that fit together; where the lowest alone does not, its least by (c, orig_state, boost,
///   unit, cell)
/// - merge tokens of equal (q, u) by least cost, then follow epsilon arcs in order of rank under the same
///   threshold
/// - offset += nll[blank] + b
///
/// All sums are f32 in this association, without contraction. Every quantity is a function of sets: any
/// implementation, order or thread count gives the same bits.
///
/// Not thread safe; searches on one graph run in parallel. The graph outlives the search.
class BeamSearch {
 public:
  /// `options` must be valid (SearchOptions::Validate).
  BeamSearch(const GraphImage& graph, const SearchOptions& options);

  /// Starts a stream; what an earlier one left is dropped. Memory is kept. `boost` outlives the stream; null:
  /// nothing boosted.
  void Begin(const BoostAutomaton* boost = nullptr);

  /// Consumes score rows [frames, units] of nats, already scaled by the caller; any division into calls gives
  /// the same result. Every score must lie within +-1e6; units other than blank may also be +infinity.
  /// Otherwise fails with kInvalidArgument naming the frame, and the search is unusable until Begin; so it is
  /// when `nll` has other than info().unit_count columns.
  Status Advance(ScoreView nll);

  /// Rows consumed since Begin.
  int64_t frames() const { return statistics_.frames; }

  /// Cost of the best token after the rows consumed, final costs aside: nats, f64 offset included.
  double best_cost() const { return offset_ + double{least_cost_}; }

  /// Ends the stream: its lattice, pruned to the lattice beam. No rows at all give a lattice of the start
  /// state and its epsilon closure. Another stream needs Begin.
  StatusOr<RawLattice> Finish();

  const SearchStatistics& statistics() const { return statistics_; }

  // What live results are read from (StablePath), while a stream is under way.

  /// Links between tokens so far; the tokens of its last record are the hypotheses.
  const LinkHistory& history() const { return history_; }
  /// Whether each token of the last record is a hypothesis: entry states and dropped tokens are not.
  std::vector<uint8_t> Hypotheses() const;
  /// The token of least cost; with `ending`, final costs included, where any hypothesis may end.
  uint32_t BestToken(bool ending) const;
  /// Drops the tokens of the last record that `keep` [tokens] does not name; at least one hypothesis is kept.
  void Keep(std::span<const uint8_t> keep);

 private:
  struct Candidate {
    TokenKey key;
    float cost;
    uint32_t source;
    uint32_t cell;
  };

  Status CheckRow(std::span<const float> row) const;
  bool TryCollapse(std::span<const float> row);
  void ProcessFrame(std::span<const float> row);
  /// Sets width_ and returns cut.
  float LimitActive();
  /// Of selection_, which it reorders; the least cost has rank 0.
  float CostOfRank(int32_t rank);
  void NormaliseRow(std::span<const float> row);
  void CollectCandidates(float cut);
  void ApplyCap();
  void MergeCandidates();
  void FollowEpsilons();
  void AddEpsilonLink(uint32_t source, TokenKey key, uint32_t cell, float cost);
  /// Number of the token of the frame in the making, with the least cost of those seen.
  uint32_t Relax(TokenKey key, float cost);
  void FinishFrame(std::span<const float> row);
  void SummariseTokens();
  bool Keeps(float cost) const;
  /// Cost of an arc's label and weight for a token; moves the token's boost state on in `boost_bits`.
  float WordArcWeight(const GraphArc& arc, TokenKey source, TokenKey* boost_bits) const;

  const GraphImage& graph_;
  const SearchOptions options_;
  const bool explicit_topology_;
  enum class Phase { kNotBegun, kRunning, kFailed, kFinished } phase_ = Phase::kNotBegun;
  SearchStatistics statistics_;
  BoostTable boost_;
  float least_arc_cost_ = 0;
  double offset_ = 0;
  float smallest_width_ = 0;

  // Tokens of the last frame processed.
  std::vector<TokenKey> keys_;
  std::vector<float> costs_;
  float least_cost_ = 0;  // over the tokens that are not entry states, like the rest
  float greatest_cost_ = 0;
  uint32_t best_token_ = 0;
  int64_t active_ = 0;
  int64_t with_unit_ = 0;

  // The frame in the making.
  std::vector<float> scores_;   // nll'
  float least_unit_score_ = 0;  // of the units other than blank
  float width_ = 0;
  float least_candidate_ = 0;
  float threshold_ = 0;
  int last_bin_ = -1;  // highest bin kept where the cap bound, else -1
  std::vector<Candidate> candidates_;
  std::vector<TokenKey> next_keys_;
  std::vector<float> next_costs_;
  std::vector<std::pair<uint16_t, uint32_t>> entry_queue_;  // heap of (epsilon rank, token)
  std::vector<TokenLink> links_, other_links_;  // slack holds the cost until all costs are settled
  std::vector<uint16_t> live_units_;            // that some token could use
  std::vector<float> selection_;                // scratch of LimitActive

  TokenTable table_;
  LinkHistory history_;
  int64_t records_since_prune_ = 0;
  size_t last_prune_record_ = 0;
};

}  // namespace skald
