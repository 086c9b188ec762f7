#pragma once

#include <functional>

#include "decoder/graph/grammar.h"
#include "decoder/graph/graph_image.h"
#include "decoder/graph/lexicon.h"

namespace skald {

/// A lexicon entry of a word of the grammar.
struct SpelledWord {
  uint32_t grammar_word;  ///< as in Grammar::Arc
  uint32_t image_word;    ///< index into the image's word table
  const Lexicon::Entry* entry;
};

/// Costs of words and of sentence ends as the image has them.
struct CostScale {
  double nats_per_log_prob = kNatsPerLogProb;  ///< times the language model weight
  double word_penalty = 0;                     ///< nats, on the first arc of every word
};

/// Composes lexicon and grammar one history at a time, which is the determinised, pushed and suffix-minimised
/// composition made directly: every history has a prefix tree of the words listed after it, as deep as they
/// differ; from there on all histories share the rest of a word's spelling that leads to the same history.
/// Each arc carries the difference of the cheapest words reachable after and before it (tropical weight
/// pushing), so the language model's cost is spread as early as it is known; the word label is on the first
/// arc after which no other word is possible. A word that is a prefix of others ends with an arc of its own
/// beside the one that continues, so that back-off arcs are the only epsilon arcs.
///
/// States, in the image's order: per history a state after a word (final, with an arc over the separator;
/// only for lexicons that have one), the root of its tree, and what its tree adds, depth first, cheapest
/// branch first. Time and memory are linear in the arcs of all trees. Deterministic. `progress` receives
/// fractions 0..1.
void BuildHistoryTries(const Lexicon& lexicon, std::vector<SpelledWord> words, const Grammar& grammar,
                       const CostScale& scale, const std::function<void(double)>& progress,
                       GraphImageBuilder* builder);

}  // namespace skald
