#include "decoder/search/beam_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <tuple>

#include "base/check.h"
#include "decoder/search/history_lattice.h"
#include "decoder/search/search_costs.h"

namespace skald {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kMaxScore = 1e6f;
constexpr int kCapBins = 2048;
constexpr float kActiveMargin = 0.5f;
// How far ahead memory is fetched: graph blocks of tokens, slots of the token table.
constexpr size_t kBlocksAhead = 12;
constexpr size_t kSlotsAhead = 8;
// Arcs of a state from which on its units are looked up instead of trying every arc.
constexpr size_t kManyArcs = 64;

int CapBin(float cost, float least, float width) {
  const float bin = (cost - least) * (static_cast<float>(kCapBins) / width);
  return bin < static_cast<float>(kCapBins) ? static_cast<int>(bin) : kCapBins - 1;
}

}  // namespace

BeamSearch::BeamSearch(const GraphImage& graph, const SearchOptions& options)
    : graph_(graph),
      options_(options),
      explicit_topology_(graph.info().explicit_topology),
      table_(static_cast<size_t>(options.initial_tokens), options.hash_seed),
      history_(options.lattice_beam) {
  SKALD_CHECK(options.Validate().ok(), "search options were not validated");
}

void BeamSearch::Begin(const BoostAutomaton* boost) {
  phase_ = Phase::kRunning;
  statistics_ = {};
  boost_ = boost != nullptr ? boost->table() : BoostTable();
  least_arc_cost_ =
      LeastArcCost(graph_.info(), options_.word_penalty, boost != nullptr ? boost->least_cost() : 0.0f);
  offset_ = 0;
  smallest_width_ = options_.beam;
  records_since_prune_ = 0;
  last_prune_record_ = 0;
  history_.Clear();

  table_.Clear();
  next_keys_.clear();
  next_costs_.clear();
  candidates_.clear();
  links_.clear();
  threshold_ = options_.beam;
  last_bin_ = -1;
  const uint32_t start = graph_.info().start_block;
  const bool has_epsilons = (graph_.header(start).flags & kStateHasEpsilonArcs) != 0;
  Relax(MakeTokenKey(start, 0) | (has_epsilons ? kEntryBit : 0), 0.0f);
  FollowEpsilons();
  FinishFrame({});
}

Status BeamSearch::Advance(ScoreView nll) {
  if (phase_ != Phase::kRunning) {
    return Status::InvalidArgument(phase_ == Phase::kFailed ? "search failed before: begin a new stream"
                                                            : "search has not begun");
  }
  if (nll.rows > 0 && nll.columns != static_cast<int64_t>(graph_.info().unit_count)) {
    phase_ = Phase::kFailed;
    return Status::InvalidArgument("scores have " + std::to_string(nll.columns) + " columns, the graph has " +
                                   std::to_string(graph_.info().unit_count) + " units");
  }
  for (int64_t r = 0; r < nll.rows; ++r) {
    const std::span<const float> row = nll.Row(r);
    if (Status status = CheckRow(row); !status.ok()) {
      phase_ = Phase::kFailed;
      return std::move(status).At("frame " + std::to_string(statistics_.frames));
    }
    if (!TryCollapse(row)) ProcessFrame(row);
    ++statistics_.frames;
  }
  return Status::Ok();
}

Status BeamSearch::CheckRow(std::span<const float> row) const {
  if (!(std::abs(row[0]) <= kMaxScore))
    return Status::InvalidArgument("score of unit 0 is not within 1e6 nats");
  bool good = true;
  for (const float score : row) good &= (score >= -kMaxScore) & ((score <= kMaxScore) | (score == kInfinity));
  if (good) return Status::Ok();
  const auto bad = std::find_if(row.begin(), row.end(), [](float score) {
    return !(score >= -kMaxScore && (score <= kMaxScore || score == kInfinity));
  });
  return Status::InvalidArgument("score of unit " + std::to_string(bad - row.begin()) +
                                 " is not within 1e6 nats");
}

void BeamSearch::NormaliseRow(std::span<const float> row) {
  scores_.resize(row.size());
  const float blank = row[0];
  const float least_cost = least_cost_;
  for (size_t unit = 0; unit < row.size(); ++unit) scores_[unit] = (row[unit] - blank) - least_cost;
  float least = kInfinity;
  for (size_t unit = 1; unit < row.size(); ++unit) least = scores_[unit] < least ? scores_[unit] : least;
  least_unit_score_ = least;
}

// Where every token sits on a blank and no other unit can come within the beam of the best blank,
// ProcessFrame would leave the set and, because nll'[blank] is exactly 0, every bit of the costs as they are.
bool BeamSearch::TryCollapse(std::span<const float> row) {
  NormaliseRow(row);
  if (!options_.collapse_blanks || options_.min_active > 0 || explicit_topology_ || with_unit_ != 0 ||
      least_cost_ != 0.0f || greatest_cost_ >= options_.beam || active_ > options_.max_active ||
      active_ > options_.max_arcs_per_frame || least_arc_cost_ + least_unit_score_ < options_.beam) {
    return false;
  }
  history_.AppendCollapsedFrame(row[0]);
  offset_ += double{row[0]};
  ++statistics_.collapsed_frames;
  return true;
}

void BeamSearch::ProcessFrame(std::span<const float> row) {
  const float cut = LimitActive();
  CollectCandidates(cut);
  ApplyCap();
  table_.Clear();
  next_keys_.clear();
  next_costs_.clear();
  MergeCandidates();
  FollowEpsilons();
  offset_ += double{row[0]} + double{least_cost_};
  FinishFrame(row);
}

float BeamSearch::LimitActive() {
  const float beam_cut = least_cost_ + options_.beam;
  width_ = options_.beam;
  if (active_ <= options_.min_active) return width_ = kInfinity;
  if (active_ <= options_.max_active && options_.min_active == 0) return beam_cut;
  selection_.clear();
  for (size_t t = 0; t < keys_.size(); ++t) {
    if (!IsEntry(keys_[t])) selection_.push_back(costs_[t]);
  }
  if (active_ > options_.max_active) {
    const float cut = CostOfRank(options_.max_active - 1);
    if (cut < beam_cut) {
      ++statistics_.max_active_frames;
      width_ = cut - least_cost_ + kActiveMargin;
      smallest_width_ = std::min(smallest_width_, width_);
      return cut;
    }
  }
  if (options_.min_active == 0) return beam_cut;
  const float cut = CostOfRank(options_.min_active);
  if (!(cut > beam_cut)) return beam_cut;
  width_ = cut - least_cost_ + kActiveMargin;
  return cut;
}

float BeamSearch::CostOfRank(int32_t rank) {
  const auto place = selection_.begin() + rank;
  std::nth_element(selection_.begin(), place, selection_.end());
  return *place;
}

float BeamSearch::WordArcWeight(const GraphArc& arc, TokenKey source, TokenKey* boost_bits) const {
  const float weight = arc.cost + options_.word_penalty;
  if (boost_.states == nullptr) return weight;
  const BoostStep step = StepBoost(boost_, BoostStateOf(source), arc.word);
  *boost_bits = TokenKey{step.state} << kBoostShift;
  return weight + step.cost;
}

void BeamSearch::CollectCandidates(float cut) {
  candidates_.clear();
  const float* const scores = scores_.data();
  float least = kInfinity,
        bound = kInfinity;  // bound: m + width for the least cost seen so far, never below the true one
  const auto try_cost = [&](float cost) {
    if (cost < least) {
      least = cost;
      bound = least + width_;
    }
  };
  const auto arc_cost = [&](const GraphArc& arc, float cost, TokenKey source, TokenKey* boost_bits) {
    return cost + ((arc.word != 0 ? WordArcWeight(arc, source, boost_bits) : arc.cost) + scores[arc.unit]);
  };
  {
    // The best token's arcs first: they set a bound that rejects most others when first seen.
    const TokenKey key = keys_[best_token_];
    const float cost = costs_[best_token_];
    if (!explicit_topology_) try_cost(cost + scores[0]);
    if (UnitOf(key) != 0) try_cost(cost + scores[UnitOf(key)]);
    for (const GraphArc& arc : graph_.emitting_arcs(BlockOf(key))) {
      TokenKey boost_bits;
      if (arc.unit != UnitOf(key)) try_cost(arc_cost(arc, cost, key, &boost_bits));
    }
  }
  const float least_arc_score = least_arc_cost_ + least_unit_score_;
  bool live_units_known = false;
  for (uint32_t t = 0; t < keys_.size(); ++t) {
    if (t + kBlocksAhead < keys_.size()) __builtin_prefetch(&graph_.header(BlockOf(keys_[t + kBlocksAhead])));
    const TokenKey key = keys_[t];
    const float cost = costs_[t];
    if (IsEntry(key) || cost > cut) continue;
    const uint16_t unit = UnitOf(key);
    const auto offer = [&](TokenKey next, float next_cost, uint32_t cell) {
      if (!(next_cost < bound)) return;
      try_cost(next_cost);
      candidates_.push_back({next, next_cost, t, cell});
    };
    if (!explicit_topology_) offer(key & ~TokenKey{0xFFFF}, cost + scores[0], kBlankCell);
    if (unit != 0) offer(key, cost + scores[unit], kRepeatCell);
    if (!(cost + least_arc_score < bound)) continue;
    const uint32_t block = BlockOf(key);
    const std::span<const GraphArc> arcs = graph_.emitting_arcs(block);
    const auto try_arcs = [&](size_t first, size_t last) {
      statistics_.arcs_tried += static_cast<int64_t>(last - first);
      for (size_t a = first; a < last; ++a) {
        TokenKey boost_bits = key & kBoostBits;
        const float next_cost = arc_cost(arcs[a], cost, key, &boost_bits);
        if (next_cost < bound && arcs[a].unit != unit) {
          const uint16_t emitted = explicit_topology_ ? uint16_t{0} : arcs[a].unit;
          offer(MakeTokenKey(arcs[a].next_block, emitted) | boost_bits, next_cost,
                block + 1 + static_cast<uint32_t>(a));
        }
      }
    };
    if (arcs.size() < kManyArcs) {
      try_arcs(0, arcs.size());
      continue;
    }
    // Of a state with many arcs, only the runs of units that the best token could use.
    if (!live_units_known) {
      live_units_known = true;
      live_units_.clear();
      for (uint32_t u = 1; u < scores_.size(); ++u) {
        if (least_cost_ + (least_arc_cost_ + scores[u]) < bound)
          live_units_.push_back(static_cast<uint16_t>(u));
      }
    }
    auto place = arcs.begin();
    for (const uint16_t live : live_units_) {
      place = std::lower_bound(place, arcs.end(), live,
                               [](const GraphArc& arc, uint16_t u) { return arc.unit < u; });
      const auto end = std::upper_bound(place, arcs.end(), live,
                                        [](uint16_t u, const GraphArc& arc) { return u < arc.unit; });
      try_arcs(static_cast<size_t>(place - arcs.begin()), static_cast<size_t>(end - arcs.begin()));
      place = end;
    }
  }
  least_candidate_ = least;
  threshold_ = least + width_;
  last_bin_ = -1;
  std::erase_if(candidates_, [this](const Candidate& candidate) { return !(candidate.cost < threshold_); });
}

bool BeamSearch::Keeps(float cost) const {
  return cost < threshold_ && (last_bin_ < 0 || CapBin(cost, least_candidate_, width_) <= last_bin_);
}

void BeamSearch::ApplyCap() {
  const size_t limit = static_cast<size_t>(options_.max_arcs_per_frame);
  if (candidates_.size() <= limit) return;
  ++statistics_.capped_frames;
  std::array<size_t, kCapBins> count{};
  for (const Candidate& c : candidates_) ++count[CapBin(c.cost, least_candidate_, width_)];
  size_t kept = 0;
  int bins = 0;
  while (kept + count[bins] <= limit) kept += count[bins++];  // ends: together they exceed the limit
  last_bin_ = std::max(bins - 1, 0);
  std::erase_if(candidates_, [this](const Candidate& c) { return !Keeps(c.cost); });
  smallest_width_ = std::min(smallest_width_, static_cast<float>(bins) / kCapBins * width_);
  if (bins > 0) return;
  const auto place = [this](const Candidate& c) {
    const TokenKey source = keys_[c.source];
    return std::make_tuple(c.cost, graph_.header(BlockOf(source)).orig_state, BoostStateOf(source),
                           UnitOf(source), c.cell);
  };
  std::nth_element(candidates_.begin(), candidates_.begin() + static_cast<ptrdiff_t>(limit),
                   candidates_.end(),
                   [&](const Candidate& a, const Candidate& b) { return place(a) < place(b); });
  candidates_.resize(limit);
}

uint32_t BeamSearch::Relax(TokenKey key, float cost) {
  const uint32_t fresh = static_cast<uint32_t>(next_keys_.size());
  const uint32_t token = table_.FindOrInsert(key, fresh);
  if (token != fresh) {
    if (cost < next_costs_[token]) next_costs_[token] = cost;
    return token;
  }
  next_keys_.push_back(key);
  next_costs_.push_back(cost);
  if (IsEntry(key)) {
    entry_queue_.emplace_back(graph_.header(BlockOf(key)).epsilon_rank, token);
    std::push_heap(entry_queue_.begin(), entry_queue_.end(), std::greater<>());
  }
  return token;
}

void BeamSearch::MergeCandidates() {
  statistics_.arcs_kept += static_cast<int64_t>(candidates_.size());
  // A graph arc leads to the entry state where there is one: known only now, when few arcs are left.
  for (size_t i = 0; i < candidates_.size(); ++i) {
    if (i + kBlocksAhead < candidates_.size()) {
      __builtin_prefetch(&graph_.header(BlockOf(candidates_[i + kBlocksAhead].key)));
    }
    Candidate& c = candidates_[i];
    if (c.cell < kEntryCell && (graph_.header(BlockOf(c.key)).flags & kStateHasEpsilonArcs) != 0) {
      c.key |= kEntryBit;
    }
  }
  links_.clear();
  for (size_t i = 0; i < candidates_.size(); ++i) {
    if (i + kSlotsAhead < candidates_.size()) table_.Prefetch(candidates_[i + kSlotsAhead].key);
    const Candidate& c = candidates_[i];
    links_.push_back({c.source, Relax(c.key, c.cost), c.cell, c.cost, 0});
  }
}

void BeamSearch::AddEpsilonLink(uint32_t source, TokenKey key, uint32_t cell, float cost) {
  if (!Keeps(cost)) return;
  other_links_.push_back({source, Relax(key, cost), cell, cost, 0});
}

// Entry states in order of rank: all that lead to one come before it, so its cost is settled when its arcs
// are followed.
void BeamSearch::FollowEpsilons() {
  other_links_.clear();
  while (!entry_queue_.empty()) {
    std::pop_heap(entry_queue_.begin(), entry_queue_.end(), std::greater<>());
    const uint32_t token = entry_queue_.back().second;
    entry_queue_.pop_back();
    const TokenKey key = next_keys_[token];
    const float cost = next_costs_[token];
    const uint32_t block = BlockOf(key);
    const std::span<const GraphArc> arcs = graph_.epsilon_arcs(block);
    uint32_t cell = block + 1 + graph_.header(block).emitting_arcs();
    for (const GraphArc& arc : arcs) {
      const bool has_epsilons = (graph_.header(arc.next_block).flags & kStateHasEpsilonArcs) != 0;
      TokenKey next = MakeTokenKey(arc.next_block, UnitOf(key)) | (has_epsilons ? kEntryBit : 0);
      TokenKey boost_bits = key & kBoostBits;
      const float weight = arc.word != 0 ? WordArcWeight(arc, key, &boost_bits) : arc.cost;
      AddEpsilonLink(token, next | boost_bits, cell++, cost + weight);
    }
    AddEpsilonLink(token, key & ~kEntryBit, kEntryCell, cost);
  }
}

void BeamSearch::FinishFrame(std::span<const float> row) {
  // A link further than the lattice beam above its destination's cost cannot come closer to the best path.
  const float beam = options_.prune_links_early ? options_.lattice_beam : kInfinity;
  const auto settle = [&](std::vector<TokenLink>* links) {
    size_t kept = 0;
    for (TokenLink& link : *links) {
      link.slack -= next_costs_[link.destination];
      if (link.slack <= beam) (*links)[kept++] = link;
    }
    links->resize(kept);
  };
  settle(&links_);
  settle(&other_links_);
  for (TokenLink& link : links_) {
    link.acoustic_cost =
        row[explicit_topology_ ? graph_.arc(link.cell).unit : UnitOf(next_keys_[link.destination])];
  }
  history_.Append(next_keys_, links_, other_links_);
  statistics_.links_made += static_cast<int64_t>(links_.size() + other_links_.size());
  statistics_.peak_links_held =
      std::max(statistics_.peak_links_held, static_cast<int64_t>(history_.link_count()));

  keys_.swap(next_keys_);
  costs_.swap(next_costs_);
  SummariseTokens();
  statistics_.tokens += active_;
  statistics_.peak_tokens = std::max(statistics_.peak_tokens, active_);

  if (options_.prune_interval_frames > 0 && ++records_since_prune_ >= options_.prune_interval_frames) {
    // The stretch before the last one is pruned a second time, now with a future of its own.
    history_.PruneSince(last_prune_record_);
    last_prune_record_ = history_.record_count() - static_cast<size_t>(records_since_prune_);
    records_since_prune_ = 0;
  }
}

void BeamSearch::SummariseTokens() {
  active_ = with_unit_ = 0;
  least_cost_ = kInfinity;
  greatest_cost_ = -kInfinity;
  for (uint32_t t = 0; t < keys_.size(); ++t) {
    if (IsEntry(keys_[t])) continue;
    ++active_;
    with_unit_ += UnitOf(keys_[t]) != 0;
    greatest_cost_ = std::max(greatest_cost_, costs_[t]);
    if (costs_[t] < least_cost_) {
      least_cost_ = costs_[t];
      best_token_ = t;
    }
  }
}

std::vector<uint8_t> BeamSearch::Hypotheses() const {
  std::vector<uint8_t> alive(keys_.size());
  for (size_t t = 0; t < keys_.size(); ++t) alive[t] = !IsEntry(keys_[t]) && costs_[t] != kInfinity;
  return alive;
}

uint32_t BeamSearch::BestToken(bool ending) const {
  uint32_t best = best_token_;
  float least = kInfinity;
  for (uint32_t t = 0; ending && t < keys_.size(); ++t) {
    const float cost = costs_[t] + FinalCost(graph_, boost_, keys_[t]);
    if (cost < least) {
      least = cost;
      best = t;
    }
  }
  return best;
}

// A dropped token keeps its place, since links name tokens by place, at a cost that nothing follows.
void BeamSearch::Keep(std::span<const uint8_t> keep) {
  for (size_t t = 0; t < keys_.size(); ++t) {
    if (!keep[t]) costs_[t] = kInfinity;
  }
  SummariseTokens();
}

StatusOr<RawLattice> BeamSearch::Finish() {
  if (phase_ != Phase::kRunning) {
    return Status::InvalidArgument(phase_ == Phase::kFailed ? "search failed before: begin a new stream"
                                                            : "search has not begun");
  }
  phase_ = Phase::kFinished;
  return FinishLattice(graph_, options_, boost_, costs_, least_cost_, smallest_width_, &history_);
}

}  // namespace skald
