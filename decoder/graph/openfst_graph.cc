#include "decoder/graph/openfst_graph.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <vector>

#include "decoder/graph/openfst_compose.h"

namespace skald {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

FstSources PlainSources(const Lexicon& lexicon, std::span<const SpelledWord> words, const Grammar& grammar) {
  FstSources sources;
  sources.unit_count = static_cast<int>(lexicon.units().size());
  sources.word_count = 1;
  sources.separator = lexicon.separator().value_or(0);
  std::unordered_map<uint32_t, int> image_words;
  for (const SpelledWord& word : words) {
    sources.spellings.push_back({static_cast<int>(word.image_word), word.entry->units});
    image_words[word.grammar_word] = static_cast<int>(word.image_word);
    sources.word_count = std::max(sources.word_count, static_cast<int>(word.image_word) + 1);
  }
  // Costs before the language model weight: pushing needs to see no negative cycle, whatever the options are.
  const auto nats = [](LogProb cost) {
    return static_cast<float>(static_cast<double>(cost) * kNatsPerLogProb);
  };
  for (const Grammar::State& state : grammar.states()) {
    // With a separator, L has no place for backing off behind the last word.
    const LogProb final_cost = lexicon.separator() ? state.complete_final_cost : state.final_cost;
    auto& to = sources.grammar.emplace_back();
    to.final_cost = final_cost == Grammar::kNever ? kInfinity : nats(final_cost);
    for (const Grammar::Arc& arc : grammar.arcs(state)) {
      to.arcs.push_back({image_words.at(arc.word), static_cast<int>(arc.next_state), nats(arc.cost)});
    }
    if (state.backoff_state != Grammar::kNone) {
      to.arcs.push_back({0, static_cast<int>(state.backoff_state), nats(state.backoff_cost)});
    }
  }
  return sources;
}

}  // namespace

Status BuildWithOpenFst(const Lexicon& lexicon, std::span<const SpelledWord> words, const Grammar& grammar,
                        const CostScale& scale, const std::function<void(double)>& progress,
                        GraphImageBuilder* builder) {
  SKALD_ASSIGN_OR_RETURN(const ComposedGraph graph,
                         ComposeWithOpenFst(PlainSources(lexicon, words, grammar), progress));
  const double factor = scale.nats_per_log_prob / kNatsPerLogProb;
  std::vector<GraphImageBuilder::Arc> arcs;
  for (const ComposedGraph::State& state : graph.states) {
    arcs.clear();
    for (const ComposedGraph::Arc& arc : state.arcs) {
      const bool is_separator = arc.unit != 0 && !arc.begins_word && lexicon.separator() == arc.unit;
      const double penalty = arc.begins_word ? scale.word_penalty : 0;
      const int flags = arc.begins_word ? kArcWordStart : is_separator ? kArcWordSeparator : 0;
      arcs.push_back({arc.next_state, static_cast<float>(factor * arc.cost + penalty), arc.unit,
                      static_cast<uint16_t>(flags), arc.word});
    }
    const bool is_final = state.final_cost != kInfinity;
    builder->AddState(is_final ? static_cast<float>(factor * state.final_cost) : kInfinity, arcs);
  }
  builder->SetStart(0);
  return Status::Ok();
}

}  // namespace skald
